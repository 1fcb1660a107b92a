"""Tokenizer files that would end the process or fill the memory are refused before they load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sftdata.errors import TokenizerError
from sftdata.tokenizing.engines import ReferenceEngine
from sftdata.tokenizing.plain_text import PlainTokenizer
from sftdata.tokenizing.structure import check_structure

WORDS: dict[str, Any] = {"model": {"type": "WordLevel", "vocab": {"a": 0, "</s>": 1}}}


def replacing(pattern: dict[str, str], content: str, times: int = 1) -> dict[str, Any]:
    part = {"type": "Replace", "pattern": pattern, "content": content}
    return {"type": "Sequence", "parts": [part] * times}


def with_vocab(**ids: Any) -> dict[str, Any]:
    return {"model": {"type": "BPE", "vocab": ids}}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (with_vocab(), "the vocabulary is empty"),
        (with_vocab(a=2**32 - 1), "id '4294967295' is not a number from 0 to 16,777,215"),
        (with_vocab(a=-5), "id '-5'"),
        (with_vocab(a=1.5), r"id '1\.5'"),
        (with_vocab(a="1"), "id '1'"),
        (with_vocab(a=True), "id 'True'"),
        ({"added_tokens": [{"id": 2**40, "content": "<x>"}]}, "id '1099511627776'"),
        ({"normalizer": replacing({"String": "a"}, "a" * 65)}, "normalizer can make 65 char"),
        ({"normalizer": replacing({"String": "a"}, "aa", 7)}, "make 128 characters"),
        ({"normalizer": replacing({"String": ""}, "aaaaaaaa", 2)}, "make 256 characters"),
        ({"pre_tokenizer": replacing({"Regex": "."}, "aaaaaaaaa", 2)}, "make 81 characters"),
        ({"pre_tokenizer": replacing({"Regex": "(?<n"}, "a" * 40)}, "make 80 characters"),
        ({"decoder": replacing({"String": "a"}, "a" * 10, 12)}, "its decoder can make"),
        ({"normalizer": {"type": "Prepend", "prepend": "a" * 65}}, "puts a long text first"),
    ],
)
def test_what_multiplies_or_needs_endless_room_is_refused(
    changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(TokenizerError, match=fault):
        check_structure("t", WORDS | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"normalizer": replacing({"String": " "}, "▁"), "pre_tokenizer": None},
        {"normalizer": replacing({"Regex": " {2,}"}, " ", 9)},
        {"decoder": replacing({"String": "▁"}, " ")},
        {"normalizer": {"type": "Prepend", "prepend": "▁"}},
        {"model": {"type": "Unigram", "vocab": [["a", -1.0], ["b", -2.0]]}},
    ],
)
def test_what_tokenizers_have_is_no_fault(changes: dict[str, Any]) -> None:
    check_structure("t", WORDS | changes)


@pytest.mark.real
@pytest.mark.parametrize("name", ["gemma3", "gpt2", "mistral-v3", "qwen3", "smollm2"])
def test_real_tokenizers_are_no_fault(name: str, shared: Path) -> None:
    check_structure(
        name, json.loads((shared / "tokenizers" / name / "tokenizer.json").read_bytes())
    )


def test_a_panic_of_the_library_is_an_error() -> None:
    model = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}
    spec = {"version": "1.0", "model": model, "added_tokens": []}
    spec["pre_tokenizer"] = {"type": "FixedLength", "length": 0}
    engine = ReferenceEngine(PlainTokenizer.from_spec(spec))
    with pytest.raises(TokenizerError, match="cannot encode a text: chunk size must be non-zero"):
        engine.encode(pa.array(["text"], pa.large_string()))
