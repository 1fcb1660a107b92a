"""The page of `inspect --html`: examples with their text, labels and tokens."""

from __future__ import annotations

from collections.abc import Sequence

from sftdata.inspecting.pages.render import render_page
from sftdata.inspecting.rows.inspector import InspectedRow
from sftdata.inspecting.rows.views import mark_token, view_spans
from sftdata.loading.dataset import Dataset


def render_rows(data: Dataset, rows: Sequence[InspectedRow]) -> str:
    """One self-contained page with these rows, in order."""
    return render_page(
        "rows",
        title=f"{len(rows):,} rows of {data.manifest.directory.name}",
        manifest=data.manifest,
        rows=rows,
        views=view_spans,
        mark=mark_token,
    )
