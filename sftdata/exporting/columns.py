"""Formats with all columns of a dataset: `datasets` folders, Parquet and JSON lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import xxhash

from sftdata.base.arrow import numbers, to_numbers
from sftdata.loading.dataset import Batch, Dataset, Split
from sftdata.loading.text import TextReader

_ROWS_AT_ONCE = 4096
_COLUMNS = {
    "row_id": pa.string(),
    "template": pa.string(),
    "task": pa.string(),  # of mixtures
    "input_ids": pa.list_(pa.int32()),
    "labels": pa.list_(pa.int32()),
    "target_start": pa.int32(),
    "prompt": pa.string(),
    "target": pa.string(),
}
_TEXTS = ("prompt", "target")


def write_parquet(
    data: Dataset, splits: list[str], out: Path, max_length: int | None, *, with_text: bool = False
) -> None:
    """Write a Parquet file for each split."""
    import pyarrow.parquet as pq

    for name in splits:
        with pq.ParquetWriter(out / f"{name}.parquet", _schema(data, with_text)) as writer:
            for batch in _read_batches(data, name, with_text):
                writer.write_batch(batch)


def write_jsonl(
    data: Dataset, splits: list[str], out: Path, max_length: int | None, *, with_text: bool = False
) -> None:
    """Write a file of JSON lines for each split."""
    for name in splits:
        with (out / f"{name}.jsonl").open("wb") as file:
            for batch in _read_batches(data, name, with_text):
                file.writelines(_to_lines(batch))


def write_hf(
    data: Dataset, splits: list[str], out: Path, max_length: int | None, *, with_text: bool = False
) -> None:
    """Save a `DatasetDict` of `datasets`."""
    save_dict(
        {name: _read_batches(data, name, with_text) for name in splits},
        _schema(data, with_text),
        out,
    )


def save_dict(splits: dict[str, Iterator[pa.RecordBatch]], schema: pa.Schema, out: Path) -> None:
    """Save the batches of each split as a `DatasetDict`; no split is in memory as a whole."""
    import datasets
    from datasets.arrow_writer import ArrowWriter

    datasets.disable_progress_bars()
    unsorted = out / "unsorted"
    unsorted.mkdir(parents=True)
    saved = {}
    for name, batches in splits.items():
        path = unsorted / f"{name}.arrow"
        with ArrowWriter(path=str(path), schema=schema) as writer:
            for batch in batches:
                writer.write_table(pa.Table.from_batches([batch]))
            writer.finalize()
        mapped = datasets.Dataset.from_file(str(path)).data
        saved[name] = datasets.Dataset(mapped, fingerprint=_fingerprint(path))
    datasets.DatasetDict(saved).save_to_disk(str(out))
    for path in unsorted.iterdir():
        path.unlink()
    unsorted.rmdir()


def _fingerprint(path: Path) -> str:
    """What `datasets` calls a split in its cache: by the content, so that exports are equal."""
    with pa.memory_map(str(path)) as file:
        return xxhash.xxh3_64_hexdigest(file.read_buffer())


def _schema(data: Dataset, with_text: bool) -> pa.Schema:
    left_out = set() if with_text else {*_TEXTS}
    if not any("task" in split.to_arrow().column_names for split in data.values()):
        left_out.add("task")
    return pa.schema([(n, kind) for n, kind in _COLUMNS.items() if n not in left_out])


def _read_batches(data: Dataset, name: str, with_text: bool) -> Iterator[pa.RecordBatch]:
    reader, split, schema = TextReader(data), data[name], _schema(data, with_text)
    for start in range(0, len(split), _ROWS_AT_ONCE):
        rows = split[start : start + _ROWS_AT_ONCE]
        batch = rows.to_batch()
        columns = _to_columns(rows, batch)
        if with_text:
            columns |= zip(_TEXTS, reader.read_batch(batch), strict=True)
        arrays = [columns[n].cast(schema.field(n).type) for n in schema.names]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _to_columns(rows: Split, batch: Batch) -> dict[str, pa.Array]:
    table = rows.to_arrow().combine_chunks()
    offsets = numbers(batch.offsets.astype(np.int32))
    return {n: table.column(n).combine_chunks() for n in table.column_names} | {
        "input_ids": pa.ListArray.from_arrays(offsets, numbers(batch.input_ids)),
        "labels": pa.ListArray.from_arrays(offsets, numbers(batch.labels)),
    }


def _to_lines(batch: pa.RecordBatch) -> Iterator[bytes]:
    """The rows as lines of JSON. Numbers go from NumPy to text, not through Python's."""
    columns = [_to_values(column) for column in batch.columns]
    for row in zip(*columns, strict=True):
        line = dict(zip(batch.schema.names, row, strict=True))
        yield orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)


def _to_values(column: pa.Array) -> Iterable[Any]:
    if not pa.types.is_list(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    values = to_numbers(column.flatten())
    bounds = to_numbers(column.offsets) - column.offsets[0].as_py()
    return (values[start:end] for start, end in pairwise(bounds.tolist()))
