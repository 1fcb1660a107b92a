"""The parts of a mixture: one dataset for each source, and its rows in the mixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers
from sftdata.base.reasons import Reason
from sftdata.examples.blocks import CONTENT_HASH
from sftdata.spec.model import MixedSource
from sftdata.writing.journal import read_journal
from sftdata.writing.manifest import Manifest, shards_path
from sftdata.writing.shards import open_batches


@dataclass(frozen=True)
class MixturePart:
    """A source of a mixture and its dataset."""

    source: MixedSource
    manifest: Manifest

    @cached_property
    def hashes(self) -> dict[str, npt.NDArray[np.uint64]]:
        """uint64[rows, 4] by split: digests of id and content, in the order of the shards.

        Only splits of this part: others may have a split that their sources give.
        """
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
        """Ids of the rows whose prompt and target, encoded as one text, have other token ids."""
        lines = read_journal(self._folder).blocks
        return frozenset(row_id for own in lines for _, row_id in own.blocks.whole_text_differs)

    def row_ids(self, split: str, rows: Sequence[int]) -> list[str]:
        """The ids of the rows at these places of a split."""
        ids = pa.chunked_array(
            [batch.column("row_id") for batch in self.batches(split)], pa.string()
        )
        found: list[str] = ids.take(numbers(np.array(rows, np.int64))).to_pylist()
        return found

    @property
    def _folder(self) -> Path:
        return self.manifest.directory / shards_path(self.manifest["build"])

    def batches(self, split: str) -> list[pa.RecordBatch]:
        """The record batches of a split, memory-mapped."""
        return [
            batch
            for shard in self.manifest["splits"].get(split, {"shards": []})["shards"]
            for batch in open_batches(self.manifest.directory / shard["path"])
        ]


def split_names(parts: Sequence[MixturePart]) -> list[str]:
    """The splits of all parts: those of the specs, which are equal, and others that were given."""
    return list(dict.fromkeys(split for part in parts for split in part.manifest["splits"]))


def template_labels(parts: Sequence[MixturePart]) -> list[str]:
    """Labels of the `template` column of the mixture."""
    labels = [label for part in parts for label in part.manifest["stats"]["by_template"]]
    return list(dict.fromkeys(labels))


def task_names(parts: Sequence[MixturePart]) -> list[str]:
    """Labels of the `task` column of the mixture."""
    return list(dict.fromkeys(part.source.spec.task for part in parts))


@dataclass
class RowOrigins:
    """Where each row of one split of a mixture comes from."""

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


def describe_kept_rows(
    parts: Sequence[MixturePart],
    fresh: Sequence[Mapping[str, npt.NDArray[np.int64]]],
    contents: npt.NDArray[np.uint64],
) -> list[str]:
    """For each content, which row of these parts has it, in words for the ledger.

    `fresh`: for each part and split the rows that are in the mixture. `contents`: uint64[rows, 2].
    """
    found: dict[tuple[int, ...], str] = {}
    if not len(contents):
        return []
    for part, kept in zip(parts, fresh, strict=True):
        for split, hashes in part.hashes.items():
            own = hashes[kept[split], CONTENT_HASH]
            places = np.flatnonzero(np.isin(own[:, 0], contents[:, 0]))
            ids = part.row_ids(split, kept[split][places].tolist())
            for content, row_id in zip(map(tuple, own[places].tolist()), ids, strict=True):
                found.setdefault(content, f"row '{row_id}' of the source '{part.source.name}'")
    return [
        f"says the same as {found.get(content, 'a row of an earlier source')}"
        for content in map(tuple, contents.tolist())
    ]
