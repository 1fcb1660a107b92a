"""A small handmade dataset. Its ids are bytes, so a test can spell them out."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import handmade
from support.handmade import row

from sftdata.loading.dataset import Dataset


@pytest.fixture
def data(tmp_path: Path, byte_tokenizer: Path) -> Dataset:
    rows = [row("a", "ab\n", "cd"), row("b", "e\n", "f"), row("c", "g\n", "é", split="test")]
    return handmade.write(tmp_path / "data", byte_tokenizer, rows)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder
