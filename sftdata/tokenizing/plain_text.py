"""Make the plain tokenizer of a `tokenizer.json`: the one that the engines load for rendered text.

Rendered text is plain text, so a plain tokenizer has no control tokens and no post-processor,
which would add tokens around the text. For text that continues a prompt, it also puts no space
before the first word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import tokenizers

_STAGES = ("normalizer", "pre_tokenizer")


@dataclass(frozen=True, slots=True)
class PlainTokenizer:
    """A tokenizer of plain text, in the form that each engine loads."""

    content: bytes = field(repr=False)  # a `tokenizer.json`, for the reference
    # A `tokenizer.json` for gigatoken, without the two stages that the engine runs itself:
    fast_content: bytes = field(repr=False)
    needs_nfc: bool
    splits_digits: bool  # each digit is a token of its own
    merges_pairs: bool  # BPE: the ids of a word do not depend on words further away
    added_texts: tuple[str, ...] = ()  # of the added tokens that are ordinary text

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> PlainTokenizer:
        """From the parsed `tokenizer.json` of `plain_text_spec` or `continuation_spec`."""
        added = spec.get("added_tokens") or []
        added_texts = tuple(token["content"] for token in added)
        fast, needs_nfc = _without_nfc(spec)
        fast, splits_digits = _digits_as_boundaries(fast)
        return cls(
            content=orjson.dumps(spec),
            fast_content=orjson.dumps(fast),
            needs_nfc=needs_nfc,
            splits_digits=splits_digits,
            merges_pairs=spec["model"]["type"] == "BPE"
            and not any(" " in text for text in added_texts),
            added_texts=added_texts,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> PlainTokenizer:
        """The inverse of `to_bytes`."""
        line, _, contents = data.partition(b"\n")
        facts = orjson.loads(line)
        size, added = facts.pop("size"), tuple(facts.pop("added_texts"))
        return cls(contents[:size], contents[size:] or contents, added_texts=added, **facts)

    def to_bytes(self) -> bytes:
        """A line of JSON and both contents, for the cache."""
        facts = {
            "size": len(self.content),
            "needs_nfc": self.needs_nfc,
            "splits_digits": self.splits_digits,
            "merges_pairs": self.merges_pairs,
            "added_texts": self.added_texts,
        }
        fast = b"" if self.fast_content == self.content else self.fast_content
        return orjson.dumps(facts) + b"\n" + self.content + fast


def plain_text_spec(
    spec: Mapping[str, Any],
    control: Mapping[str, int],
    vocab_size: int,
    added: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """A `tokenizer.json` for rendered text: without control tokens and post-processor.

    Of the added tokens, ordinary text stays. A byte-level vocabulary that lacks a byte would lose
    it silently. Such a byte gets a stand-in entry past the vocabulary, so that rows with it can be
    found. Merges are never left out by chance (`dropout`): equal texts have equal ids.
    """
    model = dict(spec["model"])
    kind = model["type"] = model_type(model)
    if kind != "BPE" or model.get("ignore_merges"):
        # These models look up whole words or pieces, and would find the text of a control token.
        model["vocab"] = _with_hidden_entries(model["vocab"], control)
        if model.get("unk_token") is not None:
            model["unk_token"] = _hidden(model["unk_token"], control)
    kept = [token for token in added if token["content"] not in control]
    if isinstance(model["vocab"], dict):
        # An entry gives an added token its id. Without one, the library would number it anew.
        model["vocab"] = model["vocab"] | {token["content"]: token["id"] for token in kept}
    elif kept:
        # A list has no room for ids, so every added token keeps its place in the numbers.
        kept = [{**token, "content": _hidden(token["content"], control)} for token in added]
    if kind == "BPE":
        model["dropout"] = None
        missing = _missing_bytes({**spec, "model": model})
        if missing:
            stand_ins = {char: vocab_size + i for i, char in enumerate(missing)}
            model["vocab"] = model["vocab"] | stand_ins
    return {
        **spec,
        "model": model,
        "added_tokens": kept,
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }


def model_type(model: Mapping[str, Any]) -> str:
    """The kind of model: BPE, Unigram, WordPiece or WordLevel. Old files do not name it."""
    if "type" in model:
        return str(model["type"])
    if "merges" in model:
        return "BPE"
    if isinstance(model["vocab"], list):
        return "Unigram"
    return "WordPiece" if "continuing_subword_prefix" in model else "WordLevel"


def unknown_id(spec: Mapping[str, Any]) -> int | None:
    """The id that the model gives for a character that it lacks; None if there is no such."""
    model = spec["model"]
    vocab = vocab_ids(spec)
    unknown: int | None
    if model_type(model) == "Unigram":
        unknown = model.get("unk_id")
    else:
        unknown = vocab.get(model.get("unk_token"))
    if model.get("byte_fallback") and all(f"<0x{byte:02X}>" in vocab for byte in range(256)):
        return None
    return unknown


def _with_hidden_entries(vocab: Any, control: Mapping[str, int]) -> Any:
    if isinstance(vocab, dict):
        return {_hidden(piece, control): i for piece, i in vocab.items()}
    return [[_hidden(piece, control), score] for piece, score in vocab]


def _hidden(piece: str, control: Mapping[str, int]) -> str:
    # Unicode keeps these noncharacters out of texts; `Encoder.find_unsafe` finds a text with them.
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
    """The stages of a normalizer, pre-tokenizer or post-processor, as one flat list."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        nested = next(v for k, v in part.items() if k != "type")
        return [stage for inner in nested for stage in _stages(inner)]
    return [part]


def continuation_spec(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same for text that continues a prompt: without a prefix space."""
    return {**spec, **{name: _without_prefix(spec.get(name)) for name in _STAGES}}


def continuation_differs(spec: Mapping[str, Any]) -> bool:
    """Whether a text can have other ids when it continues a prompt."""
    return any(_without_prefix(spec.get(name)) != spec.get(name) for name in _STAGES)


def prefixes_first_only(spec: Mapping[str, Any]) -> bool:
    """Whether a space goes before the first word of a text, and not after a control token."""
    stages = [*_stages(spec.get("normalizer")), *_stages(spec.get("pre_tokenizer"))]
    return any(s["type"] == "Metaspace" and s.get("prepend_scheme") == "first" for s in stages)


def _without_prefix(part: dict[str, Any] | None) -> dict[str, Any] | None:
    """The normalizer or pre-tokenizer without the space that it puts before the first word."""
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
    """The tokenizer without its normalizer if that is NFC alone, and whether it is.

    The two libraries know different versions of Unicode, whose NFC orders different marks. So the
    normalizer of the reference is used for both, between the added tokens; not where one is found
    in normalized text.
    """
    added = spec.get("added_tokens") or []
    if spec.get("normalizer") != {"type": "NFC"} or any(token["normalized"] for token in added):
        return spec, False
    return {**spec, "normalizer": None}, True


def _digits_as_boundaries(spec: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The tokenizer without a first stage that splits off each digit, and whether it has one.

    gigatoken has no such stage. The engine cuts the text at digits instead, which is the same as
    long as no vocabulary entry joins a digit with another character.
    """
    pre = spec.get("pre_tokenizer") or {}
    stages = pre.get("pretokenizers") or []
    if len(stages) < 2 or stages[0] != {"type": "Digits", "individual_digits": True}:
        return spec, False
    if any(len(entry) > 1 and re.search("[0-9]", entry) for entry in vocab_ids(spec)):
        return spec, False
    rest = stages[1] if len(stages) == 2 else {**pre, "pretokenizers": stages[1:]}
    return {**spec, "pre_tokenizer": rest}, True
