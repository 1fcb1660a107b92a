"""What the engines load, and that nothing of it is lost between builds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftdata.tokenizing.engines import ReferenceEngine
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.plain_text import PlainTokenizer

NFC = {"type": "NFC"}
DIGITS = {"type": "Digits", "individual_digits": True}
SPACES = {"type": "Whitespace"}


def spec_of(folder: Path, **parts: Any) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads((folder / "tokenizer.json").read_text())
    return spec | parts


@pytest.mark.parametrize("normalizer", [None, NFC])
@pytest.mark.parametrize("stages", [[SPACES], [DIGITS, SPACES], [DIGITS, SPACES, SPACES]])
def test_it_is_the_same_after_it_was_written(
    byte_tokenizer: Path, normalizer: Any, stages: list[Any]
) -> None:
    split = {"type": "Sequence", "pretokenizers": stages}
    plain = PlainTokenizer.from_spec(
        spec_of(byte_tokenizer, normalizer=normalizer, pre_tokenizer=split)
    )
    assert plain.needs_nfc == (normalizer is not None)
    assert plain.splits_digits == (DIGITS in stages)
    assert plain.merges_pairs
    assert json.loads(plain.content)["pre_tokenizer"] == split
    assert json.loads(plain.content)["normalizer"] == normalizer
    assert json.loads(plain.fast_content)["normalizer"] is None
    assert b"Digits" not in plain.fast_content
    assert PlainTokenizer.from_bytes(plain.to_bytes()) == plain


@pytest.mark.parametrize("entry", ["12", "a1"])
def test_digits_are_left_to_the_tokenizer_where_an_entry_joins_one(
    byte_tokenizer: Path, entry: str
) -> None:
    split = {"type": "Sequence", "pretokenizers": [DIGITS, SPACES]}
    model = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["1", -1.0]]}
    assert PlainTokenizer.from_spec(
        spec_of(byte_tokenizer, model=model, pre_tokenizer=split)
    ).splits_digits
    model["vocab"] = [["<unk>", 0.0], [entry, -1.0]]
    plain = PlainTokenizer.from_spec(spec_of(byte_tokenizer, model=model, pre_tokenizer=split))
    assert not plain.splits_digits
    assert not plain.merges_pairs
    assert plain.fast_content == plain.content


@pytest.mark.real
@pytest.mark.parametrize("name", ["gpt2", "smollm2", "qwen3", "mistral-v3"])
def test_real_ones_are_the_same_after_they_were_written(
    name: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = (load_tokenizer(str(shared / "tokenizers" / name)) for _ in range(2))
    for made, known in (
        (first.plain_text, second.plain_text),
        (first.continuation, second.continuation),
    ):
        assert known == made
        ReferenceEngine(known)
    assert "spec" in vars(first)
    assert "spec" not in vars(second)
    assert (second.continuation is second.plain_text) == (name != "mistral-v3")
