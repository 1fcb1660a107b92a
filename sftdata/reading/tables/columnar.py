"""Read Parquet and Arrow files: the wanted columns alone, with plain values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from sftdata.base.escaping import escape
from sftdata.errors import GoldenSetError
from sftdata.reading.files.read_meter import ReadMeter
from sftdata.reading.tables.columns import plain_column

_BATCH_ROWS = 4096
_BATCH_BYTES = 256 * 1024 * 1024


def read_columnar(
    name: str,
    format_: str,
    path: Path,
    wanted: Collection[str] | None,
    meter: ReadMeter | None = None,
) -> Iterator[tuple[tuple[str, ...], pa.RecordBatch]]:
    """The names of all columns, and the `wanted` (None: all) of some rows; never none at a time.

    `meter` counts a file by the share of its rows or batches, since only some columns are read.
    Raises `GoldenSetError` for a wanted column that is there twice, and what Arrow raises for a
    file that is damaged or cut.
    """
    read = _read_parquet if format_ == "parquet" else _read_arrow
    for columns, whole in read(path, wanted, meter or ReadMeter()):
        # A small compressed file may hold large rows: then fewer of them go on at a time.
        rows = max(1, min(_BATCH_ROWS, whole.num_rows * _BATCH_BYTES // (whole.nbytes + 1)))
        for start in range(0, whole.num_rows, rows):
            batch = whole.slice(start, rows)
            places = _places(batch.schema.names, wanted)
            names = [batch.schema.names[at] for at in places]
            check_names(name, names)
            batch = batch.select(places)
            batch.validate(full=True)  # an Arrow file may claim that any bytes are UTF-8
            yield columns, _plain_batch(batch, names)


def check_names(where: str, names: Sequence[str]) -> None:
    """Raises `GoldenSetError` for a name that two columns have."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise GoldenSetError(
            f"{where}: the column '{escape(repeated[0])}' stands there more than once.",
            "Give every column its own name.",
        )


def _places(names: Sequence[str], wanted: Collection[str] | None) -> list[int]:
    return [at for at, name in enumerate(names) if wanted is None or name in wanted]


def _plain_batch(batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
    columns = [plain_column(column) for column in batch.columns]
    if all(new.type == old.type for new, old in zip(columns, batch.columns, strict=True)):
        return batch  # also a batch without columns, which has rows all the same
    return pa.RecordBatch.from_arrays(columns, names)


_Batches = Iterator[tuple[tuple[str, ...], pa.RecordBatch]]


def _read_parquet(path: Path, wanted: Collection[str] | None, meter: ReadMeter) -> _Batches:
    from pyarrow.parquet import ParquetFile  # with a file system for every cloud, it loads slowly

    done, size = meter.done, path.stat().st_size
    with ParquetFile(path) as file:
        columns = tuple(file.schema_arrow.names)
        names = None if wanted is None else [name for name in columns if name in wanted]
        rows = 0
        for batch in file.iter_batches(batch_size=_fitting_rows(file.metadata), columns=names):
            rows += batch.num_rows
            meter.done = done + size * rows // file.metadata.num_rows
            yield columns, batch


def _fitting_rows(metadata: Any) -> int:
    """How many rows to read at once: fewer where a row group has large ones."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    largest = max((g.total_byte_size // max(1, g.num_rows) for g in groups), default=0)
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // (largest + 1)))


def _read_arrow(path: Path, wanted: Collection[str] | None, meter: ReadMeter) -> _Batches:
    # Not memory-mapped: a file that is truncated meanwhile would end the process with a signal.
    with pa.OSFile(str(path)) as file:
        open_ = pa.ipc.open_file
        try:
            schema = open_(file).schema
        except pa.ArrowInvalid:  # `datasets` writes the stream format
            file.seek(0)
            open_ = pa.ipc.open_stream
            schema = open_(file).schema
        columns = tuple(schema.names)
        # An empty list would mean all of them.
        fields = _places(columns, wanted) or [0]
        options = pa.ipc.IpcReadOptions(included_fields=fields if wanted is not None else [])
        file.seek(0)
        reader = open_(file, options=options)
        done, size = meter.done, file.size()
        if isinstance(reader, pa.RecordBatchStreamReader):
            for batch in reader:
                meter.done = done + file.tell()
                yield columns, batch
            return
        for number in range(reader.num_record_batches):
            meter.done = done + size * (number + 1) // reader.num_record_batches
            yield columns, reader.get_batch(number)
