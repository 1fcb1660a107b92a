"""A tokenizer is looked at in a process with limits; what it says is an error of this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sftdata.base.limited_process import Limits
from sftdata.errors import TokenizerError
from sftdata.tokenizing import examine
from sftdata.tokenizing.examine import convert_under_limits, examine_tokenizer
from sftdata.tokenizing.facts import FACTS


def test_the_facts_are_those_of_the_file(byte_tokenizer: Path) -> None:
    path = byte_tokenizer / "tokenizer.json"
    facts = examine_tokenizer(path, path.read_bytes(), {"eos_token": "<eos>"}, {}, [])
    assert facts.keys() == FACTS
    assert (facts["eos_id"], facts["vocab_size"], facts["unk_id"]) == (256, 257, None)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(a|a)*b", "a pattern of the tokenizer tries too many ways"),
        ("(?:xy|xy)+z", "a pattern of the tokenizer tries too many ways"),
        (r"(?<x>a\g<x>?\g<x>?)b", r"cannot be loaded: it takes too long\. It may take 1 s"),
    ],
)
def test_a_pattern_without_end_is_an_error_in_time(
    byte_tokenizer: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, said: str
) -> None:
    monkeypatch.setattr(examine, "_SECONDS", 1)
    path = byte_tokenizer / "tokenizer.json"
    spec = json.loads(path.read_bytes())
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
    spec["pre_tokenizer"] = {**split, "invert": False}
    with pytest.raises(TokenizerError, match=said):
        examine_tokenizer(path, json.dumps(spec).encode(), {"eos_token": "<eos>"}, {}, [])


def test_a_conversion_under_a_limit_is_an_error_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0, "<|endoftext|>": 1}))
    (tmp_path / "merges.txt").write_text("")
    assert json.loads(convert_under_limits(tmp_path))["model"]["vocab"]["a"] == 0
    monkeypatch.setattr(examine, "_CONVERTING", Limits(seconds=5, memory=2**24))
    with pytest.raises(TokenizerError, match="cannot be loaded"):
        convert_under_limits(tmp_path)
