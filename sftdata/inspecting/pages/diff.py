"""The page of `diff --html`: two datasets compared."""

from __future__ import annotations

from sftdata.inspecting.compare.datasets.diff import DatasetDiff
from sftdata.inspecting.compare.datasets.wording import (
    describe_place,
    list_changes,
    list_totals,
    show_value,
)
from sftdata.inspecting.compare.word_diff import diff_words
from sftdata.inspecting.pages.render import render_page


def render_diff(diff: DatasetDiff, names: tuple[str, str]) -> str:
    """One self-contained page; `names` are those the reader gave the two datasets."""
    return render_page(
        "diff",
        title="Two datasets compared",
        diff=diff,
        names=names,
        totals=list_totals(diff),
        changes=list(list_changes(diff)),
        describe_place=describe_place,
        show_value=show_value,
        diff_words=diff_words,
    )
