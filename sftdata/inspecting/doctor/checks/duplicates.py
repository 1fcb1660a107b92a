"""Checks on rows that repeat exactly, in whole or in their prompt."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import numbers, to_flags
from sftdata.inspecting.doctor.check import DatasetCheck, Hits
from sftdata.inspecting.doctor.dataset import CheckedDataset


def _duplicates(dataset: CheckedDataset) -> Hits | None:
    order = np.argsort(dataset.rows.row_hash, kind="stable")
    hashes = dataset.rows.row_hash[order]
    again = np.flatnonzero(hashes[1:] == hashes[:-1])
    before, rows = order[again], order[again + 1]
    # A mixture repeats rows on purpose, under their own ids.
    others = to_flags(pc.not_equal(_row_ids(dataset, before), _row_ids(dataset, rows)))
    return Hits(np.sort(rows[others])) if others.any() else None


def _row_ids(dataset: CheckedDataset, places: npt.NDArray[np.int64]) -> pa.Array:
    columns = [split.to_arrow().column("row_id") for split in dataset.data.values()]
    chunks = [chunk for column in columns for chunk in column.chunks]
    return pa.chunked_array(chunks, pa.string()).take(numbers(places)).combine_chunks()


def _conflicting_targets(dataset: CheckedDataset) -> Hits | None:
    order = np.lexsort((dataset.rows.row_hash, dataset.rows.prompt_hash))
    prompts, whole = dataset.rows.prompt_hash[order], dataset.rows.row_hash[order]
    differs = np.concatenate(([False], (prompts[1:] == prompts[:-1]) & (whole[1:] != whole[:-1])))
    if not differs.any():
        return None
    group = np.cumsum(np.concatenate(([True], prompts[1:] != prompts[:-1])))
    rows = np.sort(order[np.isin(group, group[differs])])
    return Hits(rows, f"{len(np.unique(group[differs])):,} prompts")


CHECKS = (
    DatasetCheck(
        "duplicate-example",
        "warning",
        "examples with the same tokens as an earlier one",
        "Drop the repeats from the source; a row's weight belongs in the spec.",
        _duplicates,
    ),
    DatasetCheck(
        "conflicting-targets",
        "warning",
        "the same prompt with different targets",
        "Keep one of them, or put the difference into the prompt.",
        _conflicting_targets,
    ),
)
