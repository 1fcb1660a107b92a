"""Choose shots: the solved examples of few-shot prompts.

They come from a pool of training rows. The pool is small and kept with the dataset, so that
serving and evaluation choose the same shots as the build.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from sftdata.base.arrow import numbers, to_numbers
from sftdata.base.hashing import hash_column, mix_bits
from sftdata.reading.screening.duplicates import content_hashes

POOL_ROWS = 512
_NEVER = np.uint64(0xFFFFFFFFFFFFFFFF)  # the score of a row that must not be chosen: the last
_HASHES = ("group_hash_high", "group_hash_low")


@dataclass(frozen=True)
class ShotPool:
    """Golden rows to draw shots from. `rows`: row_id and every golden field."""

    rows: pa.RecordBatch
    group_hashes: npt.NDArray[np.uint64]  # [rows, 2]

    @property
    def digest(self) -> str:
        """Digest of the rows, in hexadecimal."""
        digest = xxhash.xxh3_128()
        for column in self.rows.columns:
            digest.update(hash_column(column).tobytes())
        digest.update(self.group_hashes.tobytes())
        return digest.hexdigest()

    def choose(
        self,
        rows: pa.RecordBatch,
        group_hashes: npt.NDArray[np.uint64],
        seed: int,
        count: int,
    ) -> npt.NDArray[np.int64]:
        """int64[rows, count]: the places in the pool of each row's shots, in the order of use.

        A row never gets itself, a row with the same content, or a row of its group. -1: the pool
        has no more. The first n shots are the same for every `count`.
        """
        salt = np.uint64(xxhash.xxh3_64_intdigest(f"shots:{seed}".encode()))
        own = hash_column(rows.column("row_id"))
        scores = mix_bits(self._id_hashes[None, :] ^ mix_bits(own[:, :1] ^ salt))
        same = (self.group_hashes[None, :, :] == group_hashes[:, None, :]).all(axis=2)
        same |= self._id_hashes[None, :] == own[:, :1]
        same |= self._content[None, :] == content_hashes(rows, loose=True)[:, :1]
        scores[same] = _NEVER
        chosen = np.argsort(scores, axis=1, kind="stable")[:, :count]
        drawn = np.full((len(own), count), -1, np.int64)
        drawn[:, : chosen.shape[1]] = chosen
        there = np.take_along_axis(scores, chosen, axis=1) != _NEVER
        drawn[:, : chosen.shape[1]][~there] = -1
        return drawn

    @cached_property
    def _id_hashes(self) -> npt.NDArray[np.uint64]:
        return hash_column(self.rows.column("row_id"))[:, 0]

    @cached_property
    def _content(self) -> npt.NDArray[np.uint64]:
        return content_hashes(self.rows, loose=True)[:, 0]

    def write(self, path: Path) -> None:
        """Writes the pool as an Arrow file."""
        batch = self.rows
        for name, column in zip(_HASHES, self.group_hashes.T, strict=True):
            batch = batch.append_column(name, numbers(np.ascontiguousarray(column)))
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)


def to_pool(batch: pa.RecordBatch) -> ShotPool:
    """The pool with these rows and hashes. Raises `ValueError` for columns that no pool has."""
    fields = [name for name in batch.schema.names if name not in _HASHES]
    expected = pa.schema(
        [(name, pa.large_string()) for name in fields] + [(name, pa.uint64()) for name in _HASHES]
    )
    if "row_id" not in fields or batch.schema != expected:
        raise ValueError(f"its columns {batch.schema.names} are not those of a pool of shots")
    if any(column.null_count for column in batch.columns):
        raise ValueError("a value is null")
    hashes = np.stack([to_numbers(batch.column(name)) for name in _HASHES], axis=1)
    return ShotPool(batch.select(fields), hashes)


@dataclass
class PoolBuilder:
    """Keeps the `POOL_ROWS` rows with the smallest hashed ids, in any order of arrival."""

    seed: int
    _batches: list[pa.RecordBatch] = field(default_factory=list)
    _groups: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    _order: list[npt.NDArray[np.uint64]] = field(default_factory=list)

    def offer(self, rows: pa.RecordBatch, group_hashes: npt.NDArray[np.uint64]) -> None:
        """Offers rows to the pool. `group_hashes`: uint64[rows, 2]."""
        salt = np.uint64(xxhash.xxh3_64_intdigest(f"pool:{self.seed}".encode()))
        order = mix_bits(hash_column(rows.column("row_id"))[:, 0] ^ salt)
        first = np.argsort(order, kind="stable")[:POOL_ROWS]
        self._batches.append(rows.take(numbers(first)))
        self._groups.append(group_hashes[first])
        self._order.append(order[first])
        if len(self._batches) > 64:
            self._shrink()

    def finish(self) -> ShotPool | None:
        """The pool; None if no row was offered."""
        if not sum(len(order) for order in self._order):
            return None
        self._shrink()
        return ShotPool(self._batches[0], self._groups[0])

    def _shrink(self) -> None:
        order = np.concatenate(self._order)
        first = np.argsort(order, kind="stable")
        # Keep one of each repeated row, so that it takes one place in the pool.
        first = first[np.concatenate(([True], np.diff(order[first]) != 0))][:POOL_ROWS]
        self._batches = [_concatenated(self._batches).take(numbers(first))]
        self._groups = [np.concatenate(self._groups)[first]]
        self._order = [order[first]]


def _concatenated(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    columns = [
        pa.concat_arrays([batch.column(name) for batch in batches])
        for name in batches[0].schema.names
    ]
    return pa.RecordBatch.from_arrays(columns, names=batches[0].schema.names)
