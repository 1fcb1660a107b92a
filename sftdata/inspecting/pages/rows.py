"""The page of `inspect --html`: a list of examples, then each turn by turn, with its tokens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import texts
from sftdata.base.wording import count
from sftdata.inspecting.doctor.row_findings import diagnose_rows
from sftdata.inspecting.pages.filters import ListedRow, make_filters
from sftdata.inspecting.pages.render import render_page
from sftdata.inspecting.rows.inspector import InspectedRow
from sftdata.inspecting.rows.views import first_words, mark_token, turn_spans, turn_title
from sftdata.loading.dataset import Dataset
from sftdata.writing.ledger import read_ledger

_FEW = 3  # rows that need no filter
_MANY = 100_000  # tokens; about 25 MB with all details


def render_rows(data: Dataset, rows: Sequence[InspectedRow]) -> str:
    """One self-contained page with these rows, in order, and filters for them.

    A page of many tokens has no labels and single tokens, and long texts outside the loss are
    folded: 1,000 rows then take less than 5 MB.
    """
    listed = _list_rows(data, rows)
    filters, classes = make_filters(listed) if len(rows) > _FEW else ([], [""] * len(rows))
    return render_page(
        "rows",
        title=f"{count(len(rows), 'row')} of {data.manifest.directory.name}",
        manifest=data.manifest,
        rows=listed,
        filters=filters,
        classes=classes,
        details=sum(len(row.tokens) for row in rows) <= _MANY,
        first_words=first_words,
        turn_title=turn_title,
        turn_spans=turn_spans,
        mark=mark_token,
    )


def _list_rows(data: Dataset, rows: Sequence[InspectedRow]) -> list[ListedRow]:
    examples = [row.example for row in rows]
    reasons = _read_reasons(data, [example.row_id for example in examples])
    findings = diagnose_rows(data, examples)
    return [
        ListedRow(row, reasons[row.example.row_id], found)
        for row, found in zip(rows, findings, strict=True)
    ]


def _read_reasons(data: Dataset, row_ids: Sequence[str]) -> dict[str, list[str]]:
    """The reasons in the ledger of each of these rows."""
    lines = read_ledger(data.manifest)
    own = lines.filter(pc.is_in(lines.column("row_id"), texts(row_ids).cast(pa.string())))
    reasons: dict[str, list[str]] = defaultdict(list)
    for line in own.select(["row_id", "reason"]).to_pylist():
        reasons[line["row_id"]].append(line["reason"])
    return reasons
