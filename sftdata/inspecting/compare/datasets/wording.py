"""Numbers and values of a dataset diff as a reader sees them, in the terminal and on the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from sftdata.inspecting.compare.datasets.diff import DatasetDiff
from sftdata.inspecting.compare.datasets.samples import RowChange


def list_totals(diff: DatasetDiff) -> list[tuple[str, tuple[int, int]]]:
    """Labels with the numbers of A and of B."""
    return [
        ("rows", diff.rows),
        ("tokens", diff.tokens),
        ("target tokens", diff.target_tokens),
    ]


def list_changes(diff: DatasetDiff) -> Iterator[tuple[str, int]]:
    """Labels with numbers of rows and of prompt tokens; zeros are left out."""
    numbers = {
        "rows in both": diff.in_both,
        "rows only in A": diff.only_in_a,
        "rows only in B": diff.only_in_b,
        **{f"rows with another {part}": n for part, n in diff.changed.items()},
        "rows repeated more or less often": diff.other_repeats,
        **{f"newly dropped: {reason}": n for reason, n in diff.newly_dropped.items()},
        **{f"no longer dropped: {reason}": n for reason, n in diff.no_longer_dropped.items()},
        "newly cut": diff.newly_cut,
        "no longer cut": diff.no_longer_cut,
    }
    yield from ((label, number) for label, number in numbers.items() if number)
    change = diff.prompt_token_change
    if change["min"] or change["max"]:
        yield "prompt tokens a row, least change", change["min"]
        yield "prompt tokens a row, median change", change["p50"]
        yield "prompt tokens a row, most change", change["max"]


def describe_place(row: RowChange) -> str:
    """Where a row first differs."""
    place = f"first difference at token {row.first_difference:,}"
    if row.in_loss[0] == row.in_loss[1]:
        return place
    return f"{place}, in the loss only in {'A' if row.in_loss[0] else 'B'}"


def show_value(value: Any) -> str:
    """A value of a manifest as text; long digests are shortened."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", text)
