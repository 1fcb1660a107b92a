"""Decode one row without loading the whole vocabulary into the `tokenizers` library.

That takes a second for a vocabulary of 256,000 tokens; a row needs a few hundred of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import tokenizers

from sftdata.tokenizing.decoder import vocabulary
from sftdata.tokenizing.tokenizer import Tokenizer


def decode_row(tokenizer: Tokenizer, ids: Sequence[int], start: int) -> tuple[str, str]:
    """Prompt and target of a row, control tokens included; the target has the ids from `start`."""
    library = _decoder_of(tokenizer, ids)
    # Some decoders strip the first space of a text: decode the target behind its prompt.
    prompt, whole, target = (
        str(library.decode(list(part), skip_special_tokens=False))
        for part in (ids[:start], ids, ids[start:])
    )
    return prompt, whole[len(prompt) :] if whole.startswith(prompt) else target


def _decoder_of(tokenizer: Tokenizer, ids: Sequence[int]) -> tokenizers.Tokenizer:
    """A tokenizer of the library that knows these ids and decodes them as the whole one does."""
    wanted = {*ids}
    entries = {token: place for token, place in vocabulary(tokenizer.spec) if place in wanted}
    added = [t for t in tokenizer.spec.get("added_tokens") or () if t["id"] in wanted]
    small = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": tokenizer.spec.get("decoder"),
        "model": {"type": "WordLevel", "vocab": entries, "unk_token": ""},
    }
    return tokenizers.Tokenizer.from_str(orjson.dumps(small).decode())
