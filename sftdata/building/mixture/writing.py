"""Writing a mixture: rows of the parts are copied, in the order of the plan, into its shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers, to_numbers
from sftdata.base.background import prefetch
from sftdata.base.schema import label_column, measure_rows
from sftdata.base.sizes import DEFAULT_SIZES, Sizes
from sftdata.building.mixture.order import Origins
from sftdata.building.mixture.parts import MixturePart, task_names, template_labels
from sftdata.examples.tokens import TokenBatch
from sftdata.writing.shards import Shard, ShardWriter
from sftdata.writing.size_counts import SizeCounts

_ROWS_AT_A_TIME = 4096
_THREADS = 2  # that gather rows, beside the one that writes them


@dataclass(frozen=True, slots=True)
class WrittenSplit:
    """The shards of one split, and their contents."""

    shards: list[Shard]
    sizes: SizeCounts
    # int64[parts]: of each part, repeats included
    rows: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int64]
    target_tokens: npt.NDArray[np.int64]


class MixtureWriter:
    """Copies rows of the parts into the shards of the mixture."""

    def __init__(
        self, parts: Sequence[MixturePart], folder: Path, sizes: Sizes = DEFAULT_SIZES
    ) -> None:
        self._parts, self._folder, self._sizes = parts, folder, sizes
        self._labels = template_labels(parts)
        self._tasks = task_names(parts)

    def write(self, split: str, plan: Iterable[Origins]) -> WrittenSplit:
        """Writes one split. `plan`: part and place of each row, some at a time."""
        writer = ShardWriter(self._folder, split, mixed=True, sizes=self._sizes)
        batches: list[pa.RecordBatch] = []
        first_row: list[int] = []  # of each part, counted over all
        ends: list[int] = []
        for part in self._parts:
            own = [self._labelled(batch, part) for batch in part.batches(split)]
            first_row.append(ends[-1] if ends else 0)
            batches += own
            start = first_row[-1]
            ends += (np.cumsum([batch.num_rows for batch in own]) + start).tolist()
        starts = np.array(first_row, np.int64)
        counts = np.zeros((3, len(self._parts)), np.int64)
        with ThreadPoolExecutor(_THREADS) as pool:
            jobs = (
                (origin, pool.submit(_gather, batches, np.array(ends), starts[origin] + row))
                for origin, row in _cut(plan)
            )
            for origin, job in prefetch(jobs, _THREADS):
                batch = job.result()
                sizes = measure_rows(batch)
                for at, weights in enumerate((None, sizes.tokens, sizes.target_tokens)):
                    counts[at] += np.bincount(origin, weights, len(self._parts)).astype(np.int64)
                writer.append(batch, 0, batch.num_rows)
                writer.take_sizes()  # they are counted, and not kept
        return WrittenSplit(writer.close(), writer.counts, *counts)

    def _labelled(self, batch: pa.RecordBatch, part: MixturePart) -> pa.RecordBatch:
        """The batch with the labels of the whole mixture, and its task."""
        column = batch.column("template")
        new = [self._labels.index(label) for label in column.dictionary.to_pylist()]
        index = np.array(new, np.int8)[to_numbers(column.indices)]
        at = batch.schema.get_field_index("template")
        batch = batch.set_column(at, batch.schema.field(at), label_column(index, self._labels))
        task = np.full(batch.num_rows, self._tasks.index(part.source.spec.task), np.int8)
        return batch.append_column("task", label_column(task, self._tasks))


def _cut(plan: Iterable[Origins]) -> Iterator[Origins]:
    """The rows of the plan, `_ROWS_AT_A_TIME`."""
    for part, row in plan:
        for start in range(0, len(row), _ROWS_AT_A_TIME):
            end = start + _ROWS_AT_A_TIME
            yield part[start:end], row[start:end]


def _gather(
    batches: Sequence[pa.RecordBatch], ends: npt.NDArray[np.int64], place: npt.NDArray[np.int64]
) -> pa.RecordBatch:
    """The rows at these places of all batches laid end to end, in this order."""
    home = np.searchsorted(ends, place, side="right")
    order = np.argsort(home, kind="stable")
    pieces = []
    for rows in np.split(order, np.flatnonzero(np.diff(home[order])) + 1):
        batch = batches[home[rows[0]]]
        start = ends[home[rows[0]]] - batch.num_rows
        pieces.append(batch.take(numbers(place[rows] - start)))
    (gathered,) = pa.Table.from_batches(pieces).combine_chunks().to_batches()
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return _reordered(gathered, back)


def _reordered(batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> pa.RecordBatch:
    """The rows in this order. Arrow would move lists token by token."""
    tokens = TokenBatch.from_batch(batch).take(rows).columns()
    columns = [
        tokens[field.name] if field.name in tokens else batch.column(field.name).take(numbers(rows))
        for field in batch.schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
