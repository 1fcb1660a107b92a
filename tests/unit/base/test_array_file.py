"""Numbers in a file without a name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sftdata.base.array_file import ArrayFile


def test_rows_are_read_back_in_pieces_and_leave_no_file(tmp_path: Path) -> None:
    rows = np.arange(600_000, dtype=np.uint64).reshape(-1, 2)
    file = ArrayFile(tmp_path, 2)
    for start in range(0, len(rows), 70_000):
        file.append(rows[start : start + 70_000])
    pieces = list(file.pieces())
    assert len(pieces) > 1
    assert np.array_equal(np.concatenate(pieces), rows)
    assert np.array_equal(file.read(299_990, 400_000), rows[299_990:])
    assert list(tmp_path.iterdir()) == []


def test_rows_can_be_written_in_any_order(tmp_path: Path) -> None:
    file = ArrayFile(tmp_path, 1)
    for number in (3, 1, 0, 2):
        file.write(number, np.array([[number]]))
    assert file.read(0, len(file))[:, 0].tolist() == [0, 1, 2, 3]
    assert list(ArrayFile(tmp_path, 1).pieces()) == []
