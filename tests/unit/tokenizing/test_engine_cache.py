"""Engines are loaded once for each tokenizer, whatever the number of encoders."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from sftdata.tokenizing.encoder import FAST, REFERENCE
from sftdata.tokenizing.engine_cache import EngineCache
from sftdata.tokenizing.load import load_tokenizer

SAMPLE = pa.array(["A sample 12."], pa.large_string())


def fail(line: str) -> None:
    raise AssertionError(line)


def test_encoders_of_equal_tokenizers_share_their_engines(
    byte_tokenizer: Path, digit_tokenizer: Path
) -> None:
    engines = EngineCache()
    first, second, other = (
        engines.choose_encoder(load_tokenizer(str(folder)), fail).encoder
        for folder in (byte_tokenizer, byte_tokenizer, digit_tokenizer)
    )
    assert first is not second
    assert first._prompt_engine is second._prompt_engine
    assert other._prompt_engine is not first._prompt_engine


def test_the_reference_needs_no_check(byte_tokenizer: Path) -> None:
    choice = EngineCache().reference_choice(load_tokenizer(str(byte_tokenizer)))
    assert choice.encoder.engine == REFERENCE
    assert choice.find_fault(SAMPLE) is None


def test_a_continuation_is_on_the_reference_where_the_prompt_is(
    byte_tokenizer: Path, tmp_path: Path
) -> None:
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_text())
    vocab = {"a": 0, "[UNK]": 1, "<eos>": 256}
    spec["model"] = {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"}
    spec["pre_tokenizer"] = {
        "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True,
    }  # fmt: skip
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<eos>"}')
    tokenizer = load_tokenizer(str(tmp_path))
    assert tokenizer.continuation is not tokenizer.plain_text
    lines: list[str] = []
    choice = EngineCache().choose_encoder(tokenizer, lines.append)
    assert choice.encoder.engine == REFERENCE
    assert len(lines) == 1  # not once more for the continuation


@pytest.mark.real
@pytest.mark.parametrize("name", ["gpt2", "smollm2", "qwen3", "mistral-v3"])
def test_real_vocabularies_are_encoded_by_the_fast_engine(name: str, shared: Path) -> None:
    choice = EngineCache().choose_encoder(load_tokenizer(str(shared / "tokenizers" / name)), fail)
    assert choice.encoder.engine == FAST
    assert choice.find_fault(SAMPLE) is None
