"""Large rows of Parquet and Arrow files go on a few at a time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from sftdata.reading.tables import columnar


@pytest.mark.parametrize("format_", ["parquet", "arrow"])
@pytest.mark.parametrize(("limit", "most"), [(256 * 1024 * 1024, 50), (5_000, 5), (1, 1)])
def test_fewer_large_rows_at_a_time(
    format_: str, limit: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "_BATCH_BYTES", limit)
    table = pa.table({"text": [f"{number} " * 500 for number in range(50)]})
    path = Path(f"rows.{format_}")
    if format_ == "parquet":
        parquet.write_table(table, path, compression="zstd", use_dictionary=False)
    else:
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_file(path, table.schema, options=options) as writer:
            writer.write_table(table)
    batches = [batch for _, batch in columnar.read_columnar("rows", format_, path, None)]
    assert max(batch.num_rows for batch in batches) <= most
    assert pa.Table.from_batches(batches).column("text").to_pylist() == table["text"].to_pylist()
