"""Groups of rows by split, task, template and source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.inspecting.stats.groups import group_stats
from sftdata.loading.dataset import Dataset, load


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("split", {"train": 2, "test": 2}),
        ("template", {"made/plain@1.0.0": 3, "made/other@1.0.0": 1}),
        ("task", {"made": 4}),
        ("source", {"rows.jsonl": 4}),
    ],
)
def test_groups_add_up_to_the_whole(data: Dataset, by: str, rows: dict[str, int]) -> None:
    groups = group_stats(data, by)
    assert {name: group["rows"] for name, group in groups.items()} == rows


def test_an_unknown_grouping_is_named(data: Dataset) -> None:
    with pytest.raises(SftdataError, match="not by 'length'"):
        group_stats(data, "length")


def test_the_rows_of_a_source_are_counted_by_the_ledger(tmp_path: Path) -> None:
    lines = [json.dumps({"article": f"a{i}", "summary": "s"}) for i in range(50)]
    Path("one.jsonl").write_text("\n".join(lines))
    Path("two.jsonl").write_text(
        '{"article": "", "summary": "s"}\n{"article": "b", "summary": "s"}'
    )
    build("summarize", data=["one.jsonl", "two.jsonl"], out="out", max_dropped=5)
    groups = group_stats(load("out"), "source")
    assert {name: group["dropped"] for name, group in groups.items()} == {
        "one.jsonl": 0,
        "two.jsonl": 1,
    }
    assert groups["two.jsonl"]["rows"] == 1
    assert groups["one.jsonl"]["rows"] == 50
