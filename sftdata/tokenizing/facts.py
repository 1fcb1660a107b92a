"""The facts of a tokenizer that need its parsed `tokenizer.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import tokenizers

from sftdata.base.wording import list_names
from sftdata.errors import TokenizerError
from sftdata.tokenizing.added_tokens import (
    AddedToken,
    complete,
    special_names,
    with_named_special,
)
from sftdata.tokenizing.plain_text import continuation_differs, unknown_id, vocab_ids
from sftdata.tokenizing.structure import check_structure

FACTS = {
    "sha256", "added_tokens", "eos_id", "bos_id", "pad_id", "vocab_size", "continuation_differs",
    "unk_id", "stop_ids", "completed", "notes",
}  # fmt: skip
_SHOWN = 5  # tokens in a note


def find_facts(
    directory: Path,
    spec: Mapping[str, Any],
    config: Mapping[str, Any],
    declared: Sequence[AddedToken],
    ends: Sequence[int],
) -> dict[str, Any]:
    """The facts named by `FACTS`. Raises `TokenizerError` if the tokenizer cannot be used."""
    if not isinstance(spec.get("model"), dict) or "vocab" not in spec["model"]:
        raise TokenizerError(
            f"{directory / 'tokenizer.json'}: not a tokenizer: it has no model with a vocabulary.",
            "Copy the file again from where the tokenizer came from.",
        )
    check_structure(directory / "tokenizer.json", spec)
    own, vocab = spec.get("added_tokens") or [], vocab_ids(spec)
    tokens = complete(own, declared, vocab)
    completed = {**spec, "added_tokens": tokens}
    added = with_named_special(tokens, special_names(config), vocab)
    ids = {text: token["id"] for text, token in added.items()}
    size = 1 + max((*ids.values(), *vocab.values()))
    bos, eos, pad = (_token_id(config, kind, ids, vocab) for kind in ("bos", "eos", "pad"))
    ends = [end for end in ends if 0 <= end < size]
    notes = list(_describe_changes(own, tokens, spec))
    if eos is None and ends:
        eos = ends[0]
        text = next((text for text, number in {**vocab, **ids}.items() if number == eos), "")
        notes.append(f"no file names an EOS token; '{text}' is used, by the model's eos_token_id.")
        added = with_named_special(list(added.values()), {text}, vocab)
    if eos is None:
        raise _without_eos(directory, added)
    canonical = orjson.dumps(completed, option=orjson.OPT_SORT_KEYS)
    return {
        "sha256": hashlib.sha256(canonical).hexdigest(),
        "added_tokens": added,
        "eos_id": eos,
        "bos_id": bos if bos is not None and _adds_bos(spec, config, bos) else None,
        "pad_id": pad,
        "vocab_size": size,
        "continuation_differs": continuation_differs(spec),
        "unk_id": unknown_id(spec),
        "stop_ids": list(dict.fromkeys([eos, *ends])),
        "completed": tokens if tokens != own else None,
        "notes": notes,
    }


def _without_eos(directory: Path, added: Mapping[str, AddedToken]) -> TokenizerError:
    special = [text for text, token in added.items() if token["special"]]
    known = f" Its special tokens: {', '.join(special[:8])}." if special else ""
    example = special[0] if special else "</s>"
    return TokenizerError(
        f"{directory}: the tokenizer has no EOS token, so a model could not learn to stop.{known}",
        f'Name the token that ends a text in tokenizer_config.json, for example: "eos_token": '
        f'"{"[SEP]" if "[SEP]" in special else example}".',
    )


def _describe_changes(
    own: Sequence[AddedToken], tokens: Sequence[AddedToken], spec: Mapping[str, Any]
) -> Iterator[str]:
    """Notes on surprises: facts that tokenizer.json alone does not show."""
    before = {token["content"]: token for token in own}
    added = [token["content"] for token in tokens if token["content"] not in before]
    changed = [t["content"] for t in tokens if before.get(t["content"], t) != t]
    for texts, what in (
        (added, "are added to those of tokenizer.json"),
        (changed, "have other settings there than in tokenizer.json, which are used"),
    ):
        if texts:
            shown = list_names(texts, _SHOWN, quote="'")
            yield f"the tokens {shown} of the config {what}, as in transformers."
    if spec["model"].get("dropout"):
        yield f"its BPE dropout of {spec['model']['dropout']:g} is off: equal texts get equal ids."


def _token_id(
    config: Mapping[str, Any], kind: str, ids: Mapping[str, int], vocab: Mapping[str, int]
) -> int | None:
    """The id of the token that the config names; None if it names none."""
    token = config.get(f"{kind}_token")
    content = token.get("content") if isinstance(token, dict) else token
    if content is None:
        return None
    found = ids.get(content, vocab.get(content))
    if found is None:
        raise TokenizerError(
            f"The tokenizer's {kind}_token '{content}' is not in its vocabulary.",
            f"Name a token of tokenizer.json as {kind}_token in tokenizer_config.json, or copy the "
            "tokenizer again from where it came from.",
        )
    return found


def _adds_bos(spec: Mapping[str, Any], config: Mapping[str, Any], bos_id: int) -> bool:
    """Whether the tokenizer itself starts a text with BOS: by its config, else by its behaviour."""
    if isinstance(config.get("add_bos_token"), bool):
        return bool(config["add_bos_token"])
    # Only the post-processor adds tokens around a text, so try it with a vocabulary of one word:
    # the whole one takes a tenth of a second to load.
    word = {"type": "WordLevel", "vocab": {"a": bos_id + 1}, "unk_token": "a"}
    small = {"model": word, "post_processor": spec.get("post_processor")}
    encoded = tokenizers.Tokenizer.from_str(orjson.dumps(small).decode()).encode("a")
    return encoded.ids[:1] == [bos_id]
