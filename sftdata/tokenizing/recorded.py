"""The tokenizer that a manifest or a passport records: loaded, and compared by its digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sftdata.errors import TokenizerError
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer


def recorded_tokenizers(recorded: Mapping[str, Any], places: Sequence[str]) -> Iterator[Tokenizer]:
    """Each tokenizer in `places` that has the recorded digest; places without one are passed over.

    `recorded` is the entry of a manifest or a passport: `name`, `sha256` …
    """
    for place in places:
        try:
            tokenizer = load_tokenizer(place)
        except TokenizerError:
            continue
        if tokenizer.sha256 == recorded["sha256"]:
            tokenizer = tokenizer.with_chat_template(recorded.get("chat_template"))
            yield tokenizer.with_text_tokens(recorded.get("text_tokens", ()))


def find_recorded_tokenizer(
    recorded: Mapping[str, Any], places: Sequence[str] | None = None
) -> Tokenizer | None:
    """The recorded tokenizer from the first place that has it, or None.

    Without `places` it is looked for under its recorded name.
    """
    return next(recorded_tokenizers(recorded, places or [recorded["name"]]), None)


def load_recorded_tokenizer(
    recorded: Mapping[str, Any], places: Sequence[str] | None = None
) -> Tokenizer:
    """As `find_recorded_tokenizer`. Raises `TokenizerError` when no place has the tokenizer."""
    places = places or [recorded["name"]]
    found = find_recorded_tokenizer(recorded, places)
    if found is not None:
        return found
    digest = f"{recorded['sha256'][:12]}…"
    if len(places) == 1:
        other = load_tokenizer(places[0])  # raises when nothing is there
        raise TokenizerError(
            f"The tokenizer '{places[0]}' is not the recorded one: sha256 {other.sha256[:12]}…, "
            f"recorded {digest}.",
            "Put the recorded tokenizer back, or build the dataset again.",
            code="E603",
        )
    raise TokenizerError(
        f"The recorded tokenizer (sha256 {digest}) is neither at "
        f"{' nor at '.join(repr(place) for place in places)}.",
        "Put its tokenizer.json back.",
        code="E603",
    )


def digest_chat_template(tokenizer: Tokenizer) -> str:
    """The sha256 of the text of the tokenizer's chat template, which `sha256` does not cover."""
    return hashlib.sha256(str(tokenizer.chat_template).encode()).hexdigest()


def check_chat_template(recorded: Mapping[str, Any] | None, tokenizer: Tokenizer) -> None:
    """Raises `TokenizerError` when the tokenizer has another chat template than the recorded one.

    `recorded` is the entry `chat` of a manifest; those of older versions have no digest.
    """
    digest = (recorded or {}).get("template_sha256")
    if digest not in (None, digest_chat_template(tokenizer)):
        raise TokenizerError(
            f"The chat template of '{tokenizer.name}' was changed: sha256 "
            f"{digest_chat_template(tokenizer)[:12]}…, recorded {digest[:12]}….",
            "Put the recorded chat template back, or build the dataset again.",
            code="E603",
        )
