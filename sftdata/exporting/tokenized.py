"""Formats with columns of ids and labels: TRL, axolotl, LLaMA-Factory, open-instruct."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers
from sftdata.exporting.columns import save_dict
from sftdata.loading.dataset import Dataset, Split

_ROWS_AT_ONCE = 4096
_WITH_ATTENTION = ("input_ids", "attention_mask", "labels")


def write_trl(data: Dataset, splits: list[str], out: Path, max_length: int | None) -> None:
    """Write a Parquet file for each split with `input_ids` and `labels`."""
    for name in splits:
        _write_parquet(data[name], out / f"{name}.parquet", ("input_ids", "labels"))


def write_axolotl(data: Dataset, splits: list[str], out: Path, max_length: int | None) -> None:
    """Write a Parquet file for each split with `input_ids`, `attention_mask` and `labels`."""
    for name in splits:
        _write_parquet(data[name], out / f"{name}.parquet", _WITH_ATTENTION)


def write_with_attention(
    data: Dataset, splits: list[str], out: Path, max_length: int | None
) -> None:
    """Save a `DatasetDict` with `input_ids`, `attention_mask` and `labels`.

    LLaMA-Factory loads it whole; to open-instruct a split of it is a dataset that it has cached.
    """
    save_dict(
        {name: _batches(data[name], _WITH_ATTENTION) for name in splits},
        _schema(_WITH_ATTENTION),
        out,
    )


def _write_parquet(split: Split, path: Path, columns: tuple[str, ...]) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, _schema(columns)) as writer:
        for batch in _batches(split, columns):
            writer.write_batch(batch)


def _schema(columns: tuple[str, ...]) -> pa.Schema:
    kinds = {"input_ids": pa.int32(), "attention_mask": pa.int8(), "labels": pa.int32()}
    return pa.schema([(name, pa.list_(kinds[name])) for name in columns])


def _batches(split: Split, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    for batch in split.batches(_ROWS_AT_ONCE):
        offsets = numbers(batch.offsets.astype(np.int32))
        flat: dict[str, npt.NDArray[Any]] = {
            "input_ids": batch.input_ids,
            "attention_mask": np.ones(len(batch.input_ids), np.int8),
            "labels": batch.labels,
        }
        lists = [pa.ListArray.from_arrays(offsets, numbers(flat[name])) for name in columns]
        yield pa.RecordBatch.from_arrays(lists, schema=_schema(columns))
