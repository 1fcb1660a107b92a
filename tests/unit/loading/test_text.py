"""Text of examples: prompt and target come back as they were rendered."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from support import handmade
from support.handmade import EOS, row
from tokenizers import decoders, models

from sftdata.errors import TokenizerError
from sftdata.loading.dataset import Batch, Dataset, Example
from sftdata.loading.text import TextReader, find_stretches


def test_prompt_and_target_without_eos(tmp_path: Path, byte_tokenizer: Path) -> None:
    data = handmade.write(tmp_path, byte_tokenizer, [row("a", "naïve\n", " 日本")])
    assert TextReader(data).read(data["train"][0]) == ("naïve\n", " 日本")


def test_control_tokens_are_shown_unless_asked_otherwise(
    tmp_path: Path, byte_tokenizer: Path
) -> None:
    reader = TextReader(handmade.write(tmp_path, byte_tokenizer, [row("a", "b", "c")]))
    assert reader.decode([98, EOS]) == "b<eos>"
    assert reader.decode([98, EOS], show_control=False) == "b"


@pytest.fixture
def word_dataset(tmp_path: Path) -> Dataset:
    """A dataset of a SentencePiece-like tokenizer: its decoder strips the first space."""
    folder = tmp_path / "words"
    folder.mkdir()
    vocabulary = {"<s>": 0, "</s>": 1, "▁say": 2, "▁yes": 3}
    tokenizer = tokenizers.Tokenizer(models.WordLevel(vocabulary, unk_token="<s>"))
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return handmade.write(tmp_path, folder, [])


def test_a_target_keeps_the_space_that_its_decoder_strips(word_dataset: Dataset) -> None:
    reader = TextReader(word_dataset)
    #                     <s> say yes </s>
    ids = np.array([0, 2, 3, 1], np.int32)
    example = Example("a", "t@1.0.0", ids, np.arange(4) >= 2, target_start=2)
    assert reader.decode([3]) == "yes"
    assert reader.read(example) == ("say", " yes")
    assert reader.text_start(example) == 1  # after BOS


def test_a_batch_is_read_as_its_rows_are(
    word_dataset: Dataset, tmp_path: Path, byte_tokenizer: Path
) -> None:
    rows = [row("a", "naïve\n", " 日本"), row("b", "", "x"), row("c", "y", "zz")]
    data = handmade.write(tmp_path / "bytes", byte_tokenizer, rows)
    reader = TextReader(data)
    prompts, targets = reader.read_batch(data["train"].to_batch())
    assert [*zip(prompts.to_pylist(), targets.to_pylist(), strict=True)] == [
        reader.read(example) for example in data["train"]
    ]
    #                     <s> say yes </s>: without a table of bytes, one row at a time
    ids = np.array([0, 2, 3, 1], np.int32)
    batch = Batch(["a"], ["t"], ids, ids != 0, np.array([0, 4]), np.array([2], np.int32))
    assert [c.to_pylist() for c in TextReader(word_dataset).read_batch(batch)] == [
        ["say"], [" yes"],
    ]  # fmt: skip


def test_stretches_end_with_their_row() -> None:
    #                0      1     2     3     4      5
    mask = np.array([False, True, True, True, False, True])
    ids = np.arange(6, dtype=np.int32)
    batch = Batch(["a", "b"], ["t"] * 2, ids, mask, np.array([0, 3, 6]), np.array([1, 0]))
    starts, ends = find_stretches(batch)
    assert [*zip(starts.tolist(), ends.tolist(), strict=True)] == [(1, 3), (3, 4), (5, 6)]


def test_a_changed_tokenizer_is_refused(tmp_path: Path, byte_tokenizer: Path) -> None:
    recorded = {"name": str(byte_tokenizer), "sha256": "0" * 64, "vocab_size": 257, "eos_id": 256}
    data = handmade.write(tmp_path, byte_tokenizer, [row("a", "b", "c")], tokenizer=recorded)
    with pytest.raises(TokenizerError, match="not the recorded one"):
        TextReader(data).read(data["train"][0])
