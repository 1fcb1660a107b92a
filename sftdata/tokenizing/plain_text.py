"""Plain tokenizers: what the engines load for rendered text, made of a `tokenizer.json`.

Rendered text is plain text. So the control tokens are taken out, and the post-processor, which
would put tokens around it; for text that continues a prompt the space, too, that some tokenizers
put before the first word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import tokenizers

_STAGES = ("normalizer", "pre_tokenizer")


@dataclass(frozen=True, slots=True)
class PlainTokenizer:
    """A tokenizer of plain text, in the form that each engine takes."""

    content: bytes = field(repr=False)  # a `tokenizer.json`, for the reference
    # For gigatoken, which lacks some features of the reference; see below.
    fast_content: bytes = field(repr=False)
    needs_nfc: bool
    splits_digits: bool  # each digit is a token of its own
    merges_pairs: bool  # and so nothing depends on what is words away

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> PlainTokenizer:
        """The parsed `tokenizer.json` of `plain_text_spec` or `continuation_spec`."""
        fast, needs_nfc = _without_nfc(spec)
        fast, splits_digits = _digits_as_boundaries(fast)
        return cls(
            content=orjson.dumps(spec),
            fast_content=orjson.dumps(fast),
            needs_nfc=needs_nfc,
            splits_digits=splits_digits,
            merges_pairs=spec["model"]["type"] == "BPE",
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> PlainTokenizer:
        """The inverse of `to_bytes`."""
        line, _, contents = data.partition(b"\n")
        facts = orjson.loads(line)
        size = facts.pop("size")
        return cls(contents[:size], contents[size:] or contents, **facts)

    def to_bytes(self) -> bytes:
        """A line of JSON and the contents."""
        facts = {
            "size": len(self.content),
            "needs_nfc": self.needs_nfc,
            "splits_digits": self.splits_digits,
            "merges_pairs": self.merges_pairs,
        }
        fast = b"" if self.fast_content == self.content else self.fast_content
        return orjson.dumps(facts) + b"\n" + self.content + fast


def plain_text_spec(
    spec: Mapping[str, Any], control: Mapping[str, int], vocab_size: int
) -> dict[str, Any]:
    """A `tokenizer.json` for rendered text: no control tokens, no post-processor.

    A byte-level vocabulary without an entry for some byte would lose that byte silently; such
    bytes get stand-in entries past the vocabulary, so that the rows can be found.
    """
    model = dict(spec["model"])
    if model["type"] != "BPE" or model.get("ignore_merges"):
        # These models look whole words or pieces up, so a control token's own text would find it.
        model["vocab"] = _with_hidden_entries(model["vocab"], control)
    if model["type"] == "BPE":
        missing = _missing_bytes(spec)
        if missing:
            stand_ins = {char: vocab_size + i for i, char in enumerate(missing)}
            model["vocab"] = model["vocab"] | stand_ins
    return {
        **spec,
        "model": model,
        "added_tokens": _ordinary_added_tokens(spec, control),
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }


def _ordinary_added_tokens(
    spec: Mapping[str, Any], control: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The added tokens that stay on.

    The library numbers added tokens by their place in the list, so where any stays on, the control
    tokens keep their places under names that no text has.
    """
    added = spec.get("added_tokens") or []
    if all(token["content"] in control for token in added):
        return []
    return [{**token, "content": _hidden(token["content"], control)} for token in added]


def _with_hidden_entries(vocab: Any, control: Mapping[str, int]) -> Any:
    if isinstance(vocab, dict):
        return {_hidden(piece, control): i for piece, i in vocab.items()}
    return [[_hidden(piece, control), score] for piece, score in vocab]


def _hidden(piece: str, control: Mapping[str, int]) -> str:
    # Noncharacters are not for interchange; a text that holds them all the same is found by id.
    return f"\ufdd0{control[piece]}\ufdd1" if piece in control else piece


def _missing_bytes(spec: Mapping[str, Any]) -> list[str]:
    """Characters of the byte-level alphabet that the vocabulary lacks, in order."""
    if not any(stage["type"] == "ByteLevel" for stage in _stages(spec.get("pre_tokenizer"))):
        return []
    model = spec["model"]
    if model.get("unk_token") is not None or model.get("byte_fallback"):
        return []
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    return [char for char in alphabet if char not in model["vocab"]]


def _stages(part: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The stages of a normalizer, pre-tokenizer or post-processor, a sequence laid flat."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        nested = next(v for k, v in part.items() if k != "type")
        return [stage for inner in nested for stage in _stages(inner)]
    return [part]


def continuation_spec(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same for text that continues a prompt: without a dummy prefix."""
    return {**spec, **{name: _without_prefix(spec.get(name)) for name in _STAGES}}


def continuation_differs(spec: Mapping[str, Any]) -> bool:
    """Whether it makes a difference for a text that it continues a prompt."""
    return any(_without_prefix(spec.get(name)) != spec.get(name) for name in _STAGES)


def _without_prefix(part: dict[str, Any] | None) -> dict[str, Any] | None:
    """The normalizer or pre-tokenizer without what it puts before the first word."""
    if part is None or part["type"] == "Prepend":
        return None
    for key in ("normalizers", "pretokenizers"):
        if part.get(key):
            inner = [_without_prefix(stage) for stage in part[key]]
            return {**part, key: [stage for stage in inner if stage is not None]}
    if part["type"] == "Metaspace":
        return {**part, "prepend_scheme": "never", "add_prefix_space": False}
    if part["type"] == "ByteLevel":
        return {**part, "add_prefix_space": False}
    return part


def vocab_ids(spec: Mapping[str, Any]) -> dict[str, int]:
    """The entries of the vocabulary with their ids."""
    vocab = spec["model"]["vocab"]
    if isinstance(vocab, dict):
        return vocab
    return {piece: i for i, (piece, _) in enumerate(vocab)}  # Unigram: a list of [piece, score]


def _without_nfc(spec: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The tokenizer without a normalizer that is NFC alone, and whether it had that.

    Each version of Unicode adds marks that NFC puts in order, and the two libraries know different
    versions. So it is the reference that normalizes.
    """
    if spec.get("normalizer") != {"type": "NFC"}:
        return spec, False
    return {**spec, "normalizer": None}, True


def _digits_as_boundaries(spec: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The tokenizer without a leading "every digit alone" stage, and whether it had one.

    gigatoken has no such stage, but it can be said with the boundaries of the text it is given
    (see `engine`), as long as no vocabulary entry holds a digit and something else.
    """
    pre = spec.get("pre_tokenizer") or {}
    stages = pre.get("pretokenizers") or []
    if len(stages) < 2 or stages[0] != {"type": "Digits", "individual_digits": True}:
        return spec, False
    if any(len(entry) > 1 and re.search("[0-9]", entry) for entry in vocab_ids(spec)):
        return spec, False
    rest = stages[1] if len(stages) == 2 else {**pre, "pretokenizers": stages[1:]}
    return {**spec, "pre_tokenizer": rest}, True
