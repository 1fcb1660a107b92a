"""The findings of single rows, for pages that show these rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sftdata.inspecting.doctor.batch import RowBatch
from sftdata.inspecting.doctor.check import RowCheck
from sftdata.inspecting.doctor.checks import CHECKS
from sftdata.inspecting.doctor.context import read_context
from sftdata.inspecting.doctor.dataset import learn_templates
from sftdata.inspecting.doctor.finding import Severity
from sftdata.loading.dataset import Dataset, Example

_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class RowFinding:
    """A defect of one row."""

    id: str  # of the check
    severity: Severity
    title: str
    quote: str  # the text that matched, else the start of the target


def diagnose_rows(data: Dataset, rows: Sequence[Example]) -> list[list[RowFinding]]:
    """For each row, the findings of the checks on single rows.

    Raises `TokenizerError` when the tokenizer of the build is gone or another one.
    """
    context = read_context(data)
    templates = learn_templates(data, context)
    found: list[list[RowFinding]] = []
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[first : first + _ROWS_AT_ONCE]
        batch = RowBatch("", _to_batch(some), context, templates)
        of_row: list[list[RowFinding]] = [[] for _ in some]
        for check in CHECKS:
            if isinstance(check, RowCheck):
                for place in np.flatnonzero(check.find(batch)).tolist():
                    one = RowBatch("", batch.batch.slice(place, 1), context, templates)
                    of_row[place].append(_to_finding(check, one))
        found += of_row
    return found


def _to_finding(check: RowCheck, row: RowBatch) -> RowFinding:
    return RowFinding(check.id, check.severity, check.title, check.quote(row))


def _to_batch(rows: Sequence[Example]) -> pa.RecordBatch:
    """The columns that checks read."""
    offsets = np.cumsum([0, *(len(row.input_ids) for row in rows)]).astype(np.int32)
    ids = np.concatenate([row.input_ids for row in rows])
    mask = np.concatenate([row.label_mask for row in rows])
    return pa.record_batch(
        {
            "row_id": pa.array([row.row_id for row in rows], pa.string()),
            "template": pa.array([row.template for row in rows]).dictionary_encode(),
            "input_ids": pa.ListArray.from_arrays(offsets, pa.array(ids, pa.int32())),
            "label_mask": pa.ListArray.from_arrays(offsets, pa.array(mask, pa.bool_())),
            "target_start": pa.array([row.target_start for row in rows], pa.int32()),
        }
    )
