"""Statistics by split, task, template, source, role or number of turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import to_numbers
from sftdata.base.reasons import Status
from sftdata.base.schema import row_lengths
from sftdata.errors import SftdataError
from sftdata.inspecting.stats.lengths import LengthCounts
from sftdata.loading.dataset import Dataset
from sftdata.writing.ledger import read_ledger

COLUMNS = ("split", "task", "template")
BY = (*COLUMNS, "source", "role", "turns")


def group_stats(data: Dataset, by: str) -> dict[str, dict[str, Any]]:
    """For each split, task, template … its statistics. `by` is one of `BY`."""
    if by not in BY:
        raise SftdataError(
            f"Statistics are grouped by {', '.join(BY)}; not by '{by}'.", code="E102"
        )
    if by == "source":
        return count_sources(data)
    if by in ("role", "turns"):
        from sftdata.inspecting.stats.turns import count_roles, group_by_turns

        return count_roles(data) if by == "role" else group_by_turns(data)
    return {name: counts.summarize() for name, counts in count_groups(data, by).items()}


def count_groups(data: Dataset, by: str) -> dict[str, LengthCounts]:
    """For each split, task or template the lengths of its rows. `by` is one of `COLUMNS`."""
    groups: dict[str, LengthCounts] = {}
    for split, table in data.items():
        for batch in table.to_arrow().to_batches():
            lengths = row_lengths(batch)
            for name, rows in _rows_by_group(by, split, batch, data.manifest["task"]):
                groups.setdefault(name, LengthCounts()).add_rows(lengths[rows])
    return groups


def _rows_by_group(
    by: str, split: str, batch: pa.RecordBatch, task: str
) -> Iterator[tuple[str, npt.NDArray[Any] | slice]]:
    """The groups in a batch, with the rows of each."""
    if by == "split":
        yield split, slice(None)
    elif by == "task" and "task" not in batch.schema.names:
        yield task, slice(None)
    else:
        column = batch.column(by)
        codes = to_numbers(column.indices)
        for code in np.unique(codes).tolist():
            yield column.dictionary[code].as_py(), codes == code


def count_sources(data: Dataset) -> dict[str, dict[str, Any]]:
    """For each source its rows, and the rows that were dropped, cut and flagged.

    Counted in the ledger: shards don't record the source of a row.
    """
    ledger = read_ledger(data.manifest)
    paths = pc.replace_substring_regex(ledger.column("source"), r":\d+$", "")
    lines = pa.table({"path": paths, "status": ledger.column("status")})
    counted = lines.group_by(["path", "status"]).aggregate([([], "count_all")]).to_pylist()
    found = {(line["path"], line["status"]): line["count_all"] for line in counted}
    sources = {}
    for source in data.manifest["sources"]:
        path, rows = source["path"], source["rows"]
        outcomes = {status.value: found.get((path, status.value), 0) for status in Status}
        sources[path] = {"rows_in": rows, "rows": rows - outcomes[Status.DROPPED], **outcomes}
    return sources
