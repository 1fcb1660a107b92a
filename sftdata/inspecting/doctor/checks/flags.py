"""Findings of the build: rows that it kept and flagged in the ledger, with the reason.

The build sees the turns and tools of a conversation, and the shards hold ids. So faults of turns
are found there (`reading.screening.conversation_checks`), and reported here.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.reasons import Reason, Status
from sftdata.inspecting.doctor.check import DatasetCheck, Hits
from sftdata.inspecting.doctor.dataset import MOST_EXAMPLES, CheckedDataset
from sftdata.inspecting.doctor.finding import FoundRow
from sftdata.inspecting.doctor.quotes import shorten
from sftdata.writing.ledger import read_ledger

_OWN = ("unknown_tool", "tool_arguments", "only_reasoning", Reason.NOT_TAUGHT)


def _flagged(reason: str) -> Callable[[CheckedDataset], Hits | None]:
    """Finds the rows that are flagged for this reason."""

    def find(dataset: CheckedDataset) -> Hits | None:
        lines = _read_flags(dataset)
        return _to_hits(dataset, lines.filter(pc.field("reason") == reason))

    return find


def _flagged_otherwise(dataset: CheckedDataset) -> Hits | None:
    """Finds the rows that are flagged for a reason that has no finding of its own."""
    lines = _read_flags(dataset)
    own = pc.is_in(lines.column("reason"), pa.array([str(name) for name in _OWN], pa.string()))
    return _to_hits(dataset, lines.filter(pc.invert(own)), name_reasons=True)


def _read_flags(dataset: CheckedDataset) -> pa.Table:
    lines = read_ledger(dataset.data.manifest)
    return lines.filter(pc.field("status") == Status.FLAGGED.value)


def _to_hits(
    dataset: CheckedDataset, lines: pa.Table, *, name_reasons: bool = False
) -> Hits | None:
    if not lines.num_rows:
        return None
    rows = tuple(
        FoundRow(line["row_id"], line["source"], shorten(line["detail"]))
        for line in lines.slice(0, MOST_EXAMPLES).to_pylist()
    )
    counts = pc.value_counts(lines.column("reason")).to_pylist()
    reasons = ", ".join(f"{one['counts']:,} {one['values']}" for one in counts)
    detail = reasons if name_reasons else ""
    return Hits(dataset.places(lines.column("row_id")), detail, rows, count=lines.num_rows)


CHECKS = (
    DatasetCheck(
        "unknown-tool",
        "warning",
        "calls of a tool that the row does not have",
        "Correct the name, or put the tool among the row's tools.",
        _flagged("unknown_tool"),
    ),
    DatasetCheck(
        "tool-arguments",
        "warning",
        "arguments of calls that do not fit the schema of their tool",
        "Correct the arguments or the schema, or drop such rows: checks.tool_arguments.",
        _flagged("tool_arguments"),
    ),
    DatasetCheck(
        "only-reasoning",
        "warning",
        "answers that are a reasoning and nothing else",
        "Complete the answer, or drop such rows: checks.only_reasoning.",
        _flagged("only_reasoning"),
    ),
    DatasetCheck(
        "answer-not-taught",
        "warning",
        "answers that are not in the loss, because the chat template shows them otherwise later",
        "Make an example of each answer: unroll = true in the spec, above its first [table].",
        _flagged(Reason.NOT_TAUGHT),
    ),
    DatasetCheck(
        "flagged-by-build",
        "note",
        "rows that the build flagged and kept",
        "Look at the reasons: sftdata ledger DIR.",
        _flagged_otherwise,
    ),
)
