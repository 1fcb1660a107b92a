"""A small dataset whose statistics can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import handmade
from support.handmade import EOS, Row, row

from sftdata.loading.dataset import Dataset


@pytest.fixture
def data(tmp_path: Path, byte_tokenizer: Path) -> Dataset:
    return handmade.write(
        tmp_path,
        byte_tokenizer,
        [
            row("a", "ab", "c"),
            row("b", "abcd", "é", template="made/other@1.0.0"),
            row("c", "ab", "c", split="test"),
            # Two answers: what the user says between them is not in the loss.
            Row("d", [*b"q", *b"A", EOS, *b"r", *b"B", EOS], 1, "test",
                label_mask=[False, True, True, False, True, True]),
        ],
    )  # fmt: skip
