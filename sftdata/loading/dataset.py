"""Datasets: the memory-mapped shards as rows and batches of NumPy arrays."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from operator import index as to_index
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers, texts, to_flags, to_numbers
from sftdata.base.schema import count_targets
from sftdata.base.wording import count
from sftdata.errors import SftdataError, UnknownSplitError, did_you_mean
from sftdata.loading.example import IGNORED, Batch, Example, RowReader, make_labels
from sftdata.loading.order import StreamPosition, iterate_rows
from sftdata.loading.shard_file import ShardFile
from sftdata.loading.stored import local_folder
from sftdata.writing.manifest import Manifest, read_manifest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["IGNORED", "Batch", "Dataset", "Example", "Split", "load", "make_labels"]

# Makes the `RowReader` of a split from its name.
MakeReader = Callable[[str], RowReader]


class Split:
    """The examples of one split. Indexing gives an `Example`, slicing another `Split`."""

    def __init__(
        self, name: str, batches: _MappedBatches, rows: range, reader: RowReader | None = None
    ) -> None:
        self.name = name
        self._reader = reader
        self._batches = batches
        self._rows = rows
        self._columns: dict[int, _BatchColumns] = {}  # by number of the record batch

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"Split({self.name!r}, {len(self):,} rows)"

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to another process, a split is opened there again; maps cannot be sent."""
        manifest = self._batches.manifest
        return _reopen_split, (*_locate(manifest), self.name, self._rows)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Split: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Example | Split:
        if isinstance(index, slice):
            return Split(self.name, self._batches, self._rows[index], self._reader)
        row = self._place(index)
        at = bisect_right(self._batches.ends, row)
        columns = self._columns.get(at)
        if columns is None:
            columns = self._columns[at] = _BatchColumns(self._batches[at])
        first = self._batches.ends[at - 1] if at else 0
        return columns.example(row - first, self._reader)

    def _place(self, index: SupportsIndex) -> int:
        """The place in the shards of row `index`, which counts from the end if it is negative."""
        try:
            return self._rows[index]
        except IndexError:
            raise IndexError(
                f"There is no row {to_index(index)} in '{self.name}', which has "
                f"{count(len(self), 'row')}."
            ) from None
        except TypeError:
            raise TypeError(
                f"Rows are taken by whole numbers and slices, not by {type(index).__name__}."
            ) from None

    def __iter__(self) -> Iterator[Example]:
        return (self[i] for i in range(len(self)))

    def stream(
        self, position: StreamPosition, *, rank: int = 0, ranks: int = 1
    ) -> Iterator[tuple[Example, StreamPosition]]:
        """The rows of one rank from `position` to the end of the epoch, shuffled.

        Each row comes with the position after it, from which a resumed run continues.
        """
        for row, after in iterate_rows(position, len(self), rank=rank, ranks=ranks):
            yield self[row], after

    def batches(self, size: int) -> Iterator[Batch]:
        """The rows in order, `size` at a time; the last batch may be smaller."""
        for start in range(0, len(self), size):
            yield self[start : start + size].to_batch()

    def to_batch(self) -> Batch:
        """All rows of this split as one batch."""
        table = self.to_arrow().combine_chunks()
        ids, mask = table.column("input_ids"), table.column("label_mask")
        if not table.num_rows:
            empty = np.empty(0, np.int32)
            return Batch([], [], empty, empty.astype(bool), np.zeros(1, np.int64), empty)
        offsets = to_numbers(ids.chunk(0).offsets).astype(np.int64)
        return Batch(
            row_id=table.column("row_id").to_pylist(),
            template=table.column("template").to_pylist(),
            input_ids=to_numbers(ids.chunk(0).flatten()),
            label_mask=to_flags(mask.chunk(0).flatten()),
            offsets=offsets - offsets[0],
            target_start=to_numbers(table.column("target_start").chunk(0)),
        )

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64[rows]: tokens of each row, read from the offsets alone."""
        return self._select(
            np.diff(to_numbers(batch.column("input_ids").offsets)) for batch in self._batches
        )

    @cached_property
    def target_counts(self) -> npt.NDArray[np.int64]:
        """int64[rows]: tokens of each row that are in the loss."""
        return self._select(map(count_targets, self._batches))

    def to_arrow(self) -> pa.Table:
        """The rows of this split with the columns of the shard. A range of rows is not copied."""
        from sftdata.base.schema import shard_schema

        schema = self._batches[0].schema if self._batches else shard_schema()
        table = pa.Table.from_batches([*self._batches], schema)
        if self._rows.step == 1:
            return table.slice(self._rows.start, len(self._rows))
        return table.take(numbers(np.array(self._rows, np.int64)))

    def _select(self, by_batch: Iterable[npt.NDArray[Any]]) -> npt.NDArray[np.int64]:
        """The values of this split's rows, given the values of all rows batch by batch."""
        values = np.concatenate([np.empty(0, np.int64), *by_batch])
        if self._rows.step == 1:
            return values[self._rows.start : self._rows.stop]
        return values[np.array(self._rows, np.int64)]

    def to_pandas(self) -> pd.DataFrame:
        """A data frame with the shard's columns. Raises `SftdataError` without pandas."""
        return _to_frame(self.to_arrow())

    def to_hf(self) -> Any:
        """A `datasets.Dataset` with the shard's columns and `labels` (-100 where ignored)."""
        import datasets

        batch = self.to_batch()
        labels = pa.ListArray.from_arrays(
            numbers(batch.offsets.astype(np.int32)), numbers(batch.labels)
        )
        table = self.to_arrow()
        index = table.schema.get_field_index("template")
        plain = table.column("template").cast(pa.string())  # `datasets` has no dictionary type
        return datasets.Dataset(
            table.set_column(index, "template", plain).append_column("labels", labels)
        )


@dataclass(frozen=True)
class Dataset(Mapping[str, Split]):
    """The splits of a committed dataset by name, with its manifest."""

    manifest: Manifest
    make_reader: MakeReader | None = field(default=None, compare=False)

    @cached_property
    def _splits(self) -> dict[str, Split]:
        opened = {name: _MappedBatches(self.manifest, name) for name in self.manifest["splits"]}
        return {
            name: Split(
                name,
                batches,
                range(batches.ends[-1] if batches.ends else 0),
                None if self.make_reader is None else self.make_reader(name),
            )
            for name, batches in opened.items()
        }

    def __repr__(self) -> str:
        splits = ", ".join(f"{name}: {count(len(split), 'row')}" for name, split in self.items())
        return f"Dataset({str(self.manifest.directory)!r}, {splits or 'no splits'})"

    def to_pandas(self) -> pd.DataFrame:
        """A data frame of all rows, with a column `split`. Raises `SftdataError` without pandas."""
        tables = []
        for name, split in self.items():
            table = split.to_arrow()
            tables.append(table.append_column("split", texts([name] * len(table))))
        # Record batches of different shards may have different dictionaries.
        return _to_frame(pa.concat_tables(tables, promote_options="permissive"))

    def __getitem__(self, name: str) -> Split:
        if not isinstance(name, str):
            raise TypeError(f"A dataset has its splits by name, for example {next(iter(self))!r}.")
        if name not in self._splits:
            raise UnknownSplitError(
                f"{self.manifest.directory} has no split '{name}'.",
                did_you_mean(name, self._splits),
            )
        return self._splits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._splits)

    def __len__(self) -> int:
        return len(self._splits)

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to another process, a dataset is opened there again."""
        return _reopen, _locate(self.manifest)


def load(directory: str | Path) -> Dataset:
    """The dataset in `directory`; `load(out)["train"][0].input_ids` is a NumPy array.

    Of an address in an object store, the rows that are used are copied into the cache.
    Raises `SftdataError` when the manifest or a shard is missing or cannot be read.
    """
    return Dataset(read_manifest(local_folder(directory, parts="no shards")))


def _locate(manifest: Manifest) -> tuple[str, str]:
    """The folder, absolute because a worker may have another working folder, and the build."""
    return str(manifest.directory.absolute()), manifest["build"]


def _reopen(directory: str, build: str) -> Dataset:
    """The dataset in `directory`. Raises when it was built anew since it was sent."""
    data = load(directory)
    if data.manifest["build"] != build:
        raise SftdataError(
            f"{directory} was built again while it was in use: it is the build "
            f"{data.manifest['build']}, no longer {build}.",
            "Load it again.",
            code="E707",
        )
    return data


def _reopen_split(directory: str, build: str, name: str, rows: range) -> Split:
    return Split(name, _MappedBatches(_reopen(directory, build).manifest, name), rows)


def _to_frame(table: pa.Table) -> pd.DataFrame:
    try:
        import pandas  # noqa: F401 - the error of Arrow does not say how to get it
    except ImportError as error:
        raise SftdataError(
            "to_pandas() needs pandas.", "Install it: pip install pandas", code="E104"
        ) from error
    return table.to_pandas()


class _MappedBatches:
    """The record batches of a split; each is mapped when it is first used."""

    def __init__(self, manifest: Manifest, split: str) -> None:
        self.manifest = manifest
        shards = [ShardFile(manifest, s) for s in manifest["splits"][split]["shards"]]
        self._locations = [(s, at) for s in shards for at in range(len(s.batch_rows))]
        rows = [rows for shard in shards for rows in shard.batch_rows]
        self.ends = list(accumulate(rows))  # number of the first row after each batch

    def __len__(self) -> int:
        return len(self._locations)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return (self[at] for at in range(len(self)))

    def __getitem__(self, index: int) -> pa.RecordBatch:
        shard, number = self._locations[index]
        return shard[number]


class _BatchColumns:
    """The columns of a record batch as arrays, to slice rows from."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        ids, mask = batch.column("input_ids"), batch.column("label_mask")
        self._ids, self._ends = to_numbers(ids.values), to_numbers(ids.offsets)
        self._mask, self._mask_ends = mask.values, to_numbers(mask.offsets)
        self._starts = to_numbers(batch.column("target_start"))
        self._row_ids = batch.column("row_id")
        self._templates = _DictionaryColumn(batch.column("template"))
        self._tasks = (
            _DictionaryColumn(batch.column("task")) if "task" in batch.schema.names else None
        )

    def example(self, row: int, reader: RowReader | None) -> Example:
        first, length = int(self._mask_ends[row]), int(self._ends[row + 1] - self._ends[row])
        return Example(
            row_id=self._row_ids[row].as_py(),
            template=self._templates[row],
            input_ids=self._ids[self._ends[row] : self._ends[row + 1]],
            label_mask=to_flags(self._mask.slice(first, length)),
            target_start=int(self._starts[row]),
            task=None if self._tasks is None else self._tasks[row],
            reader=reader,
        )


class _DictionaryColumn:
    """A dictionary-encoded column of text."""

    def __init__(self, column: pa.DictionaryArray) -> None:
        self._values: list[str] = column.dictionary.to_pylist()
        self._index: npt.NDArray[np.int8] = to_numbers(column.indices)

    def __getitem__(self, row: int) -> str:
        return self._values[int(self._index[row])]
