"""The facts of a parsed tokenizer.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sftdata.errors import TokenizerError
from sftdata.tokenizing.facts import FACTS, find_facts


def test_they_name_end_size_and_notes(byte_tokenizer: Path) -> None:
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_bytes())
    facts = find_facts(byte_tokenizer, spec, {}, [], [256])
    assert facts.keys() == FACTS
    assert (facts["eos_id"], facts["vocab_size"], facts["stop_ids"]) == (256, 257, [256])
    assert facts["notes"] == [
        "no file names an EOS token; '<eos>' is used, by the model's eos_token_id."
    ]


def test_without_a_vocabulary_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="no model with a vocabulary"):
        find_facts(tmp_path, {"model": {}}, {}, [], [])
