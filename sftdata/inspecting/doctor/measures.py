"""A few numbers of each row, kept when its text is let go: for checks that need all rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sftdata.base.hashing import hash_token_rows
from sftdata.inspecting.doctor.batch import RowBatch, text_bytes


@dataclass(frozen=True, slots=True)
class RowMeasures:
    """Columns over rows; 38 bytes a row, whatever its length."""

    template: npt.NDArray[np.int16]  # place in `template_names`
    prompt_bytes: npt.NDArray[np.int32]
    target_bytes: npt.NDArray[np.int32]
    target_tokens: npt.NDArray[np.int32]
    prompt_hash: npt.NDArray[np.uint64]
    target_hash: npt.NDArray[np.uint64]
    row_hash: npt.NDArray[np.uint64]  # of prompt and target
    template_names: list[str] = field(default_factory=list)  # of the rows

    def put(self, first: int, part: RowMeasures) -> None:
        """Takes over the measures of a batch; `first`: the place of its first row."""
        rows = slice(first, first + len(part.template))
        for name in part.template_names:
            if name not in self.template_names:
                self.template_names.append(name)
        places = [self.template_names.index(name) for name in part.template_names]
        self.template[rows] = np.array(places, np.int16)[part.template]
        self.prompt_bytes[rows] = part.prompt_bytes
        self.target_bytes[rows] = part.target_bytes
        self.target_tokens[rows] = part.target_tokens
        self.prompt_hash[rows] = part.prompt_hash
        self.target_hash[rows] = part.target_hash
        self.row_hash[rows] = part.row_hash


def allocate_measures(rows: int) -> RowMeasures:
    """Columns for so many rows, at once: parts that are joined take the memory twice."""
    return RowMeasures(
        template=np.zeros(rows, np.int16),
        prompt_bytes=np.zeros(rows, np.int32),
        target_bytes=np.zeros(rows, np.int32),
        target_tokens=np.zeros(rows, np.int32),
        prompt_hash=np.zeros(rows, np.uint64),
        target_hash=np.zeros(rows, np.uint64),
        row_hash=np.zeros(rows, np.uint64),
    )


def measure_rows(batch: RowBatch) -> RowMeasures:
    """The measures of the rows of a batch."""
    used, template = np.unique(batch.template, return_inverse=True)
    in_loss = np.concatenate(([0], np.cumsum(batch.mask)))[batch.offsets]
    return RowMeasures(
        template=template.astype(np.int16),
        prompt_bytes=text_bytes(batch.prompt).astype(np.int32),
        target_bytes=text_bytes(batch.target).astype(np.int32),
        target_tokens=np.diff(in_loss).astype(np.int32),
        prompt_hash=hash_token_rows(batch.ids, batch.offsets[:-1], batch.starts),
        target_hash=hash_token_rows(batch.ids, batch.starts, batch.offsets[1:]),
        row_hash=hash_token_rows(batch.ids, batch.offsets[:-1], batch.offsets[1:]),
        template_names=[batch.template_names[place] for place in used.tolist()],
    )
