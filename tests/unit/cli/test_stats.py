"""The bars and tables of stats: no empty bars, and any width of the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.plain import build_plain

from sftdata.cli.stats import describe_stats
from sftdata.inspecting.stats.compute import compute_stats

ROWS = [
    {"id": f"r{i}", "article": "A long word. " * (90 if i == 7 else i), "summary": f"It is {i}."}
    for i in range(1, 12)
]


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder: Path = tmp_path_factory.mktemp("stats")
    return compute_stats(build_plain(folder, ROWS), by="template", batch_size=2)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_tables_and_bars_fit_into_the_terminal(numbers: dict[str, object], width: int) -> None:
    lines = describe_stats(numbers, width)
    prose = ("same ids", "languages of", "vocabulary")
    assert all(len(one) <= width for one in lines if not any(word in one for word in prose))
    assert any("█" in line for line in lines)


def test_bars_without_rows_are_one_line_or_none(numbers: dict[str, object]) -> None:
    lines = describe_stats(numbers, None)
    bars = [line.split() for line in lines[lines.index("prompt tokens") :]]
    bars = bars[1 : bars.index(["target", "tokens"])]
    rows = [int(bar[3]) for bar in bars]
    assert rows[0] > 0
    assert sum(rows) == len(ROWS)
    assert rows.count(0) == 1  # between the usual rows and the long one
