"""The page of `inspect --html`: a list of examples, then each turn by turn, with its tokens."""

from __future__ import annotations

from collections.abc import Sequence

from sftdata.inspecting.pages.render import render_page
from sftdata.inspecting.rows.inspector import InspectedRow
from sftdata.inspecting.rows.views import first_words, mark_token, turn_spans, turn_title
from sftdata.loading.dataset import Dataset

_MANY = 100_000  # tokens; about 25 MB with all details


def render_rows(data: Dataset, rows: Sequence[InspectedRow]) -> str:
    """One self-contained page with these rows, in order.

    A page of many tokens has no labels and single tokens, and long texts outside the loss are
    folded: 1,000 rows then take less than 5 MB.
    """
    return render_page(
        "rows",
        title=f"{len(rows):,} rows of {data.manifest.directory.name}",
        manifest=data.manifest,
        rows=rows,
        details=sum(len(row.tokens) for row in rows) <= _MANY,
        first_words=first_words,
        turn_title=turn_title,
        turn_spans=turn_spans,
        mark=mark_token,
    )
