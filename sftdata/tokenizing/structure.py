"""Refuse a `tokenizer.json` that would end the process or fill the memory when it is used.

Tokenizers are downloaded from strangers. The `tokenizers` library makes room for the largest id,
and replaces text as often as it is told, so both are looked at before it loads the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sftdata.errors import TokenizerError

MAX_BYTES = 512 * 1024 * 1024  # of the file; the largest of well-known models has 40 MB
_MAX_ID = 2**24  # the largest vocabularies have a quarter of a million entries
_MAX_GROWTH = 64  # characters that one character may become
_MAX_PREPENDED = 64
_HINT = "Use the tokenizer of a source that you trust."


def check_structure(place: object, spec: Mapping[str, Any]) -> None:
    """Raises `TokenizerError` for ids that are too large and for text that multiplies."""
    vocab = spec["model"]["vocab"]
    if not vocab:
        raise TokenizerError(f"{place}: the vocabulary is empty.", _HINT)
    ids = [*vocab.values()] if isinstance(vocab, dict) else [len(vocab) - 1]
    ids += [token["id"] for token in spec.get("added_tokens") or []]
    wrong = next((i for i in ids if type(i) is not int or not 0 <= i < _MAX_ID), None)
    if wrong is not None:
        raise TokenizerError(
            f"{place}: the id {str(wrong)[:40]!r} is not a number from 0 to {_MAX_ID - 1:,}.", _HINT
        )
    for stage in ("normalizer", "pre_tokenizer", "decoder"):
        growth = 1
        for part in find_parts(spec.get(stage)):
            if len(str(part.get("prepend", ""))) > _MAX_PREPENDED:
                raise TokenizerError(f"{place}: its {stage} puts a long text first.", _HINT)
            if part.get("type") == "Replace":
                growth *= _growth(part)
        if growth > _MAX_GROWTH:
            raise TokenizerError(
                f"{place}: its {stage} can make {growth:,} characters of one; at most "
                f"{_MAX_GROWTH} are possible.",
                _HINT,
            )


def find_parts(part: Any) -> Iterator[Mapping[str, Any]]:
    """The parts of a normalizer, pre-tokenizer or decoder that stand for themselves."""
    waiting = [part]
    while waiting:
        held = waiting.pop()
        if isinstance(held, dict):
            yield held
            waiting += [v for v in held.values() if isinstance(v, (dict, list))]
        elif isinstance(held, list):
            waiting += held


def _growth(replace: Mapping[str, Any]) -> int:
    """The most characters that stand in the place of one after the replacement."""
    pattern, size = replace.get("pattern"), len(str(replace.get("content", "")))
    text = pattern.get("String") if isinstance(pattern, dict) else None
    if isinstance(text, str) and text:
        return max(1, -(-size // len(text)))
    regex = pattern.get("Regex") if isinstance(pattern, dict) else None
    return max(1, size) + (size if _can_be_empty(regex) else 0)


def _can_be_empty(regex: Any) -> bool:
    try:
        return re.match(regex, "") is not None
    except (TypeError, ValueError, re.error, OverflowError, RecursionError):
        return True


def not_a_tokenizer(place: object, error: Exception) -> TokenizerError:
    """The error for a tokenizer.json with parts that the `tokenizers` library does not write."""
    return TokenizerError(
        f"{place}: not a tokenizer.json of the tokenizers library: "
        f"{type(error).__name__}: {str(error)[:200]}",
        "Copy the file again from where the tokenizer came from.",
    )


@contextmanager
def library_faults(what: str, hint: str) -> Iterator[None]:
    """Turns errors of a Rust library into a `TokenizerError`; its panics are no `Exception`."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError, TokenizerError):
        raise
    except BaseException as error:
        raise TokenizerError(f"{what}: {str(error)[:200]}", hint) from error
