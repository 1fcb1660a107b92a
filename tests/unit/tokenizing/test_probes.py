"""Probe texts: a tokenizer that samples is found, whichever model of the library does it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import tokenizers
from tokenizers import models

from sftdata.errors import TokenizerError
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.probes import PROBES, check_repeats


def encode_with(model: models.Model) -> object:
    tokenizer = tokenizers.Tokenizer(model)

    def encode(texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]

    return encode


def unigram() -> models.Unigram:
    pieces = [("<unk>", 0.0), ("a", -1.0), ("aa", -1.1), ("aaa", -1.2)]
    return models.Unigram(pieces, 0, False)


def sampling_unigram() -> models.Unigram:
    model = unigram()
    model.alpha, model.nbest_size = 0.1, 64
    return model


def bpe(dropout: float | None) -> models.BPE:
    return models.BPE({"a": 0, "aa": 1, "aaaa": 2}, [("a", "a"), ("aa", "aa")], dropout=dropout)


@pytest.mark.parametrize("model", [sampling_unigram(), bpe(0.5)], ids=["unigram", "bpe"])
def test_a_tokenizer_that_samples_is_refused(model: models.Model) -> None:
    with pytest.raises(TokenizerError, match="not deterministic: it gives other ids") as raised:
        check_repeats("t", encode_with(model), PROBES)  # type: ignore[arg-type]
    assert raised.value.code == "E606"


@pytest.mark.parametrize("model", [unigram(), bpe(None)], ids=["unigram", "bpe"])
def test_one_that_does_not_is_no_fault(model: models.Model) -> None:
    check_repeats("t", encode_with(model), PROBES)  # type: ignore[arg-type]


def test_a_library_that_would_sample_by_the_file_is_no_fault_with_dropout_off(
    byte_tokenizer: Path, tmp_path: Path
) -> None:
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_bytes())
    spec["model"]["dropout"] = 0.5
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<eos>"}')
    assert "dropout of 0.5 is off" in load_tokenizer(str(tmp_path)).notes[0]
