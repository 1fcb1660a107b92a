"""A small handmade dataset. Its ids are bytes, so a test can spell them out."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import handmade
from support.handmade import EOS, Row, row

from sftdata.loading.dataset import Dataset


@pytest.fixture
def data(tmp_path: Path, byte_tokenizer: Path) -> Dataset:
    rows = [row("a", "ab\n", "cd"), row("b", "e\n", "f"), row("c", "g\n", "é", split="test")]
    return handmade.write(tmp_path / "data", byte_tokenizer, rows)


@pytest.fixture
def two_answers(tmp_path: Path, byte_tokenizer: Path) -> Dataset:
    """A conversation with two answers in the loss, and a row with one."""
    #       q   \n   a  eos   r   \n   b   eos
    ids = [113, 10, 97, EOS, 114, 10, 98, EOS]
    mask = [False, False, True, True] * 2
    talk = Row("talk", ids, target_start=2, template="messages", label_mask=mask)
    rows = [talk, row("a", "e\n", "f")]
    return handmade.write(tmp_path / "talks", byte_tokenizer, rows, chat={"end_id": EOS})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder
