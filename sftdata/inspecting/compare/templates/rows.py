"""Golden rows on which two versions of a template are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers
from sftdata.base.hashing import hash_column
from sftdata.reading.chunks import read_chunks
from sftdata.reading.rows import RowReader
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.spec.fields import FieldRule


def read_rows(
    data: Sequence[str], fields: Mapping[str, FieldRule], id_path: str | None, limit: int | None
) -> pa.RecordBatch:
    """The usable rows of a golden set, or a sample of `limit` of them, in the golden set's order.

    Columns: `row_id` and the fields, as `large_string`.
    """
    sources = tuple(resolve_sources(data))
    reader = RowReader(sources, fields, id_path, None, False)
    batches = []
    for index, source in enumerate(sources):
        for place, chunks in enumerate(read_chunks(source, index, columns=reader.columns)):
            if place == 0:
                reader.check_columns(chunks)
            batches.append(reader.parse(chunks).batch)
    rows = pa.Table.from_batches(batches).combine_chunks().to_batches()
    batch = rows[0] if rows else batches[0]
    if limit is None or batch.num_rows <= limit:
        return batch
    return batch.take(numbers(np.sort(sample_places(batch, limit))))


def sample_places(rows: pa.RecordBatch, number: int) -> npt.NDArray[np.int64]:
    """Places of `number` rows: those with the smallest digests of their ids.

    The same rows in every run, in whatever order the source lists them.
    """
    return np.lexsort(hash_column(rows.column("row_id")).T)[:number]
