"""Where a project may start, and what its task and its paths are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.building.start_project import check_folder, project_name, resolve_items
from sftdata.errors import SftdataError


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ("/a/news.jsonl.gz", "news"),
        ("/a/My rows (v2).csv", "my-rows-v2"),
        ("train=/a/b.jsonl", "b"),
        ("hf:org/Set@config:train", "set-config"),
        ("/a/rows/", "rows"),
        ("/a/чат.jsonl", "rows"),
        ("/a/summarize.jsonl", "my-summarize"),  # a bundled task keeps its name
        ("/a/presets.jsonl", "my-presets"),
    ],
)
def test_the_task_is_called_after_the_file(item: str, name: str) -> None:
    assert project_name(item) == name


def test_a_folder_may_hold_the_rows_a_repository_and_clutter() -> None:
    for name in ("p/.git/config", "p/rows.jsonl", "p/.DS_Store"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    check_folder(Path("p"), ["p/rows.jsonl"], "rows")
    check_folder(Path("new"), ["p/rows.jsonl"], "rows")
    with pytest.raises(SftdataError, match=r"p is not empty: it holds 'rows\.jsonl'"):
        check_folder(Path("p"), ["other.jsonl"], "other")
    with pytest.raises(SftdataError, match=r"rows\.jsonl is a file"):
        check_folder(Path("p/rows.jsonl"), [], "rows")


def test_paths_are_absolute_and_there(tmp_path: Path) -> None:
    Path("a.jsonl").touch()
    assert resolve_items(["a.jsonl", "test=a.jsonl", "*.jsonl", "hf:org/name"]) == [
        str(tmp_path / "a.jsonl"),
        f"test={tmp_path / 'a.jsonl'}",
        str(tmp_path / "*.jsonl"),
        "hf:org/name",
    ]
    with pytest.raises(SftdataError, match=r"There is no file 'b\.jsonl'"):
        resolve_items(["b.jsonl"])
    with pytest.raises(SftdataError, match="Give a file"):
        resolve_items(["-"])


def test_an_address_stays_and_a_sheet_is_part_of_its_file() -> None:
    Path("a.xlsx").touch()
    items = resolve_items(["https://host/a.jsonl", "a.xlsx#May", "test=a.xlsx#June"])
    here = Path.cwd()
    assert items == ["https://host/a.jsonl", f"{here}/a.xlsx#May", f"test={here}/a.xlsx#June"]
    assert project_name(items[1]) == "a"
    with pytest.raises(SftdataError, match=r"There is no file 'b\.xlsx#May'"):
        resolve_items(["b.xlsx#May"])
