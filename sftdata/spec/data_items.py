"""Items of `data`: a place to read rows from, alone or with the split that its rows are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SHEET_MARK = "#"  # FILE.xlsx#Sheet
WORKBOOKS = (".xlsx", ".xlsm")

_GIVEN = re.compile(r"(\w+)=(.+)", re.DOTALL)


def expand_data(data: Any) -> Any:
    """`{train = ["a.jsonl"]}` as the items `["train=a.jsonl"]`; all else as it is."""
    if not isinstance(data, Mapping):
        return data
    return [
        f"{split}={item}"
        for split, items in data.items()
        for item in (items if isinstance(items, (list, tuple)) else [items])
    ]


def parse_data_item(item: str) -> tuple[str | None, str]:
    """The split of `SPLIT=PLACE` and its place; None for a place alone."""
    match = _GIVEN.fullmatch(item)
    return (match[1], match[2]) if match else (None, item)


def split_sheet(item: str) -> tuple[str, str | None]:
    """The file and the sheet of `FILE.xlsx#Sheet`; None for a file alone."""
    file, mark, sheet = item.partition(SHEET_MARK)
    is_file = file.lower().endswith(WORKBOOKS)
    return (file, sheet) if mark and sheet and is_file else (item, None)
