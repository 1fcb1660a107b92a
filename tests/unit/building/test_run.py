"""One run of a build: what it tells of its progress."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from support.forty_rows import SPEC, rows

from sftdata.base.sizes import Sizes
from sftdata.building.build import build_spec
from sftdata.spec.load import load_spec

ROWS = rows(1_000)
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
Write = Callable[[Path], None]


def write_table(path: Path) -> None:
    with io.TextIOWrapper(gzip.open(path, "wb"), encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(ROWS[0]))
        writer.writeheader()
        writer.writerows(ROWS)


def write_parquet(path: Path) -> None:
    pa.parquet.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=50)


def write_stream(path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=50)


def write_arrow(path: Path) -> None:
    pa.feather.write_feather(pa.Table.from_pylist(ROWS), path, chunksize=50)


FILES: dict[str, Write] = {
    "a.jsonl": lambda path: path.write_bytes(LINES) and None,
    "a.jsonl.gz": lambda path: path.write_bytes(gzip.compress(LINES)) and None,
    "a.jsonl.bz2": lambda path: path.write_bytes(bz2.compress(LINES)) and None,
    "a.json": lambda path: path.write_text(json.dumps(ROWS)) and None,
    "a.csv.gz": write_table,
    "a.parquet": write_parquet,
    "a.arrow": write_arrow,
    "a.ipc": write_stream,
}


@pytest.mark.parametrize("name", FILES)
def test_progress_grows_to_all_rows_and_all_bytes(name: str, byte_tokenizer: Path) -> None:
    FILES[name](Path(name))
    told: list[tuple[int, float | None]] = []
    Path("spec.toml").write_text(SPEC.format(tokenizer=byte_tokenizer))
    build_spec(
        load_spec(file=Path("spec.toml"), data=[name]),
        out="out",
        sizes=Sizes(read_bytes=1_000, chunk_bytes=300, batch_rows=8),
        progress=lambda rows, share: told.append((rows, share)),
    )
    shares = [share for _, share in told if share is not None]
    assert len(shares) == len(told)
    assert shares == sorted(shares)
    assert told[-1] == (1_000, pytest.approx(1.0, abs=1e-3))  # a stream ends with a mark of its own
    if name in ("a.jsonl", "a.arrow", "a.ipc"):  # the others are read in one piece
        assert 0 < shares[0] < 0.5
