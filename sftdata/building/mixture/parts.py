"""The parts of a mixture: a dataset for each source, and which of its rows are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.reasons import Reason
from sftdata.spec.model import MixedSource
from sftdata.writing.journal import read_journal
from sftdata.writing.manifest import Manifest, shards_path
from sftdata.writing.shards import open_batches


@dataclass(frozen=True)
class MixturePart:
    """A source of a mixture, and the dataset that was built of it."""

    source: MixedSource
    manifest: Manifest

    @cached_property
    def hashes(self) -> dict[str, npt.NDArray[np.uint64]]:
        """By split [rows, 4]: digests of id and content, in the order of the shards."""
        found: dict[str, list[npt.NDArray[np.uint64]]] = {s: [] for s in self.manifest["splits"]}
        for line in read_journal(self._folder).blocks:
            blocks = line.blocks
            cells = np.tile(np.arange(len(found)), len(blocks))
            split = np.repeat(cells, blocks.rows.ravel())
            for at, rows in enumerate(found.values()):
                rows.append(blocks.hashes[split == at])
        return {n: np.concatenate([np.empty((0, 4), np.uint64), *h]) for n, h in found.items()}

    @cached_property
    def whole_text_differs(self) -> frozenset[str]:
        """Ids of the rows whose text encoded at once gives other ids."""
        lines = read_journal(self._folder).blocks
        return frozenset(row_id for own in lines for _, row_id in own.blocks.whole_text_differs)

    @property
    def _folder(self) -> Path:
        return self.manifest.directory / shards_path(self.manifest["build"])

    def batches(self, split: str) -> list[pa.RecordBatch]:
        """The record batches of a split, mapped."""
        return [
            batch
            for shard in self.manifest["splits"][split]["shards"]
            for batch in open_batches(self.manifest.directory / shard["path"])
        ]


def template_labels(parts: Sequence[MixturePart]) -> list[str]:
    """What the `template` column of the mixture can say."""
    labels = [label for part in parts for label in part.manifest["stats"]["by_template"]]
    return list(dict.fromkeys(labels))


def task_names(parts: Sequence[MixturePart]) -> list[str]:
    """What the `task` column of the mixture can say."""
    return list(dict.fromkeys(part.source.spec.task for part in parts))


@dataclass
class RowOrigins:
    """One split of a mixture: where each of its rows comes from."""

    part: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]  # in the part's split


@dataclass(frozen=True, slots=True)
class ExcludedRow:
    """A row of a part that is not in the mixture, and why."""

    part: int  # its place among the parts
    split: str
    row: int  # in the split
    reason: Reason
    detail: str


def exclude(
    part: int, split: str, rows: npt.NDArray[np.int64], reason: Reason, detail: str
) -> list[ExcludedRow]:
    """The rows of a part at these places of the split, for one reason."""
    return [ExcludedRow(part, split, row, reason, detail) for row in rows.tolist()]
