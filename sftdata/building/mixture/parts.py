"""The parts of a mixture: one dataset for each source, and its rows in the mixture."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.array_file import ArrayFile
from sftdata.base.arrow import numbers
from sftdata.base.reasons import Reason
from sftdata.spec.model import MixedSource
from sftdata.writing.journal import read_block_lines
from sftdata.writing.manifest import Manifest, shards_path
from sftdata.writing.shards import open_batches


@dataclass(frozen=True)
class MixturePart:
    """A source of a mixture and its dataset."""

    source: MixedSource
    manifest: Manifest

    def write_hashes(self, folder: Path) -> dict[str, ArrayFile]:
        """uint64[rows, 4] by split: digests of id and content, in the order of the shards.

        Only splits of this part: others may have a split that their sources give.
        """
        found = {split: ArrayFile(folder, 4) for split in self.manifest["splits"]}
        for line in read_block_lines(self._folder):
            hashes = line.hashes
            split = np.repeat(np.tile(np.arange(len(found)), len(line.rows)), line.rows.ravel())
            for at, rows in enumerate(found.values()):
                rows.append(hashes[split == at])
        return found

    def count_differing(self, left_out: Collection[str]) -> int:
        """The rows whose prompt and target, encoded as one text, have other token ids.

        Rows with the ids in `left_out` don't count.
        """
        return sum(
            len({row_id for _, row_id in line.blocks.whole_text_differs}.difference(left_out))
            for line in read_block_lines(self._folder)
        )

    def row_ids(self, split: str, rows: npt.NDArray[np.int64]) -> list[str]:
        """The ids of the rows at these places of a split."""
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        found = np.empty(len(rows), object)
        start = 0
        for batch in self.batches(split) if len(rows) else ():
            first, last = np.searchsorted(ascending, (start, start + batch.num_rows))
            own = batch.column("row_id").take(numbers(ascending[first:last] - start))
            found[order[first:last]] = own.to_pylist()
            start += batch.num_rows
        ids: list[str] = found.tolist()
        return ids

    @property
    def _folder(self) -> Path:
        return self.manifest.directory / shards_path(self.manifest["build"])

    def batches(self, split: str) -> Iterator[pa.RecordBatch]:
        """The record batches of a split, memory-mapped."""
        for shard in self.manifest["splits"].get(split, {"shards": []})["shards"]:
            yield from open_batches(self.manifest.directory / shard["path"])


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


@dataclass(frozen=True, slots=True)
class ExcludedRows:
    """Rows of a part that are not in the mixture, and why."""

    part: int  # its place among the parts
    split: str
    rows: npt.NDArray[np.int64]  # places in the split
    reason: Reason
    details: Iterable[str]  # of each row; there may be more
