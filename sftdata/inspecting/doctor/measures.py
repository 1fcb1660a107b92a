"""A few numbers of each row, kept when its text is let go: for checks that need all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sftdata.base.hashing import hash_token_rows
from sftdata.inspecting.doctor.batch import RowBatch, text_bytes


@dataclass(frozen=True, slots=True)
class RowMeasures:
    """Columns over rows; 38 bytes a row, whatever its length."""

    template_names: list[str]
    template: npt.NDArray[np.int16]  # place in `template_names`
    prompt_bytes: npt.NDArray[np.int32]
    target_bytes: npt.NDArray[np.int32]
    target_tokens: npt.NDArray[np.int32]
    prompt_hash: npt.NDArray[np.uint64]
    target_hash: npt.NDArray[np.uint64]
    row_hash: npt.NDArray[np.uint64]  # of prompt and target


def measure_rows(batch: RowBatch) -> RowMeasures:
    """The measures of the rows of a batch."""
    names = list(dict.fromkeys(batch.template_names))
    places = {name: place for place, name in enumerate(names)}
    in_loss = np.concatenate(([0], np.cumsum(batch.mask)))[batch.offsets]
    return RowMeasures(
        template_names=names,
        template=np.array([places[name] for name in batch.template_names], np.int16),
        prompt_bytes=text_bytes(batch.prompt).astype(np.int32),
        target_bytes=text_bytes(batch.target).astype(np.int32),
        target_tokens=np.diff(in_loss).astype(np.int32),
        prompt_hash=hash_token_rows(batch.ids, batch.offsets[:-1], batch.starts),
        target_hash=hash_token_rows(batch.ids, batch.starts, batch.offsets[1:]),
        row_hash=hash_token_rows(batch.ids, batch.offsets[:-1], batch.offsets[1:]),
    )


def join_measures(parts: Sequence[RowMeasures]) -> RowMeasures:
    """The measures of all rows of several batches, in order."""
    names = list(dict.fromkeys(name for part in parts for name in part.template_names))
    codes = [
        np.array([names.index(name) for name in part.template_names], np.int16)[part.template]
        for part in parts
    ]
    return RowMeasures(
        template_names=names,
        template=np.concatenate(codes),
        prompt_bytes=np.concatenate([part.prompt_bytes for part in parts]),
        target_bytes=np.concatenate([part.target_bytes for part in parts]),
        target_tokens=np.concatenate([part.target_tokens for part in parts]),
        prompt_hash=np.concatenate([part.prompt_hash for part in parts]),
        target_hash=np.concatenate([part.target_hash for part in parts]),
        row_hash=np.concatenate([part.row_hash for part in parts]),
    )
