"""Outliers among the rows of a dataset."""

from __future__ import annotations

from pathlib import Path

from support.plain import build_plain

from sftdata.inspecting.rows.outliers import find_outliers
from sftdata.inspecting.rows.select import RowFilter, RowSet, find_rows

ROWS = [{"id": f"r{i}", "article": f"Number {i} " * 5, "summary": f"Sum {i}."} for i in range(300)]
ROWS[90] |= {"summary": "Long. " * 4}
ROWS[91] |= {"article": "Long. " * 600}


def test_outliers_are_the_rows_far_from_the_others(tmp_path: Path, byte_tokenizer: Path) -> None:
    data = build_plain(tmp_path, ROWS, tokenizer=byte_tokenizer)
    rows = find_rows(data, list(data), RowFilter())
    found = {rows[outlier.number][1].row_id: outlier.why for outlier in find_outliers(rows)}
    assert found["r90"] == "far more target tokens than in other rows"
    assert found["r91"] == "far more tokens than in other rows"
    assert "r5" not in found
    assert len(found) < 30
    assert find_outliers(RowSet(data, {})) == []
