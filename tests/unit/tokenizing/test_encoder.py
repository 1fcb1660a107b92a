"""The encoder: prompts and targets to ids, and the rows whose ids are not text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sftdata.tokenizing.encoder import FAST, REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer


def texts(*values: str) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


@pytest.mark.parametrize("engine", [REFERENCE, FAST])
def test_slices_of_a_column_are_encoded_like_the_column(byte_tokenizer: Path, engine: str) -> None:
    column = texts("dropped", "ab", "c", "dropped").slice(1, 2)
    encoded = load_encoder(load_tokenizer(str(byte_tokenizer)), engine).encode_prompts(column)
    #                               a   b   c
    assert encoded.ids.tolist() == [97, 98, 99]
    assert encoded.offsets.tolist() == [0, 2, 3]


def test_a_name_is_encoded_once(byte_tokenizer: Path) -> None:
    encoder = load_encoder(load_tokenizer(str(byte_tokenizer)), REFERENCE)
    first = encoder.encode_cached(("pool",), texts("ab"))
    assert encoder.encode_cached(("pool",), texts("ab")) is first
    assert encoder.encode_cached(("other",), texts("c")).ids.tolist() == [99]


def test_a_row_with_a_byte_that_the_vocabulary_lacks_is_found(
    byte_tokenizer: Path, tmp_path: Path
) -> None:
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_text())
    vocab = spec["model"]["vocab"]
    without = {char: i for char, i in vocab.items() if i != ord("q")}
    spec["model"]["vocab"] = without | {"<eos>": 256}
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<eos>"}')
    encoder = load_encoder(load_tokenizer(str(tmp_path)), REFERENCE)
    encoded = encoder.encode_prompts(texts("fine", "", "a q", "q", "<eos>"))
    assert encoder.find_unsafe(encoded).tolist() == [2, 3]


@pytest.mark.real
@pytest.mark.parametrize("name", ["gpt2", "smollm2", "qwen3", "mistral-v3"])
def test_a_target_continues_the_prompt_without_a_space_before_it(name: str, shared: Path) -> None:
    tokenizer = load_tokenizer(str(shared / "tokenizers" / name))
    encoder = load_encoder(tokenizer, FAST)
    apart = [encoder.encode_prompts(texts("Answer:\n")), encoder.encode_targets(texts("Yes"))]
    ids = np.concatenate([encoded.ids for encoded in apart]).tolist()
    assert tokenizer.decoder.decode(ids) == "Answer:\nYes"
