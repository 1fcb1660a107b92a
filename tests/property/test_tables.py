"""For any table in any format we read: every row is in the dataset or in the ledger."""

from __future__ import annotations

import csv
import gzip
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.reading.row_reader import read_source
from sftdata.reading.rows import RowReader
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.reading.tables.columns import python_values
from sftdata.spec.fields import FieldRule

FORMATS = (
    ".jsonl", ".csv", ".tsv", ".parquet", ".feather", ".arrow", ".stream.arrow", ".json",
    ".indented.json", ".key.json", ".columns.json", ".jsonl.gz", ".utf16.jsonl", ".utf16.csv",
)  # fmt: skip
ROWS = st.shared(st.integers(0, 5), key="rows")
TEXTS = st.text(st.sampled_from("ab é日\n\t\"',;\0"), max_size=6)
WHOLE = st.integers(-(2**63), 2**63 - 1)
UNITS = ("s", "ms", "us", "ns")


def scalars() -> dict[pa.DataType, st.SearchStrategy[Any]]:
    """Types without parts, and values of each that Arrow can hold and Python perhaps cannot."""
    found: dict[pa.DataType, st.SearchStrategy[Any]] = {
        pa.null(): st.none(),
        pa.bool_(): st.booleans(),
        pa.int8(): st.integers(-128, 127),
        pa.int64(): WHOLE,
        pa.uint64(): st.integers(0, 2**64 - 1),
        pa.float16(): st.floats(width=16),
        pa.float32(): st.floats(width=32),
        pa.float64(): st.floats(),
        pa.decimal128(38, 3): st.decimals(-10, 10, places=3),
        pa.decimal256(60, 3): st.decimals(-10, 10, places=3),
        pa.date32(): st.integers(-(2**31), 2**31 - 1),
        pa.date64(): st.integers(-(10**9), 10**9).map(lambda day: day * 86_400_000),
        pa.time32("s"): st.integers(0, 86_399),
        pa.time64("ns"): st.integers(0, 86_399_999_999_999),
        pa.string(): TEXTS,
        pa.large_string(): TEXTS,
        pa.string_view(): TEXTS,
        pa.binary(): st.binary(max_size=4),
        pa.large_binary(): st.binary(max_size=4),
        pa.binary_view(): st.binary(max_size=4),
        pa.binary(3): st.binary(min_size=3, max_size=3),
        pa.month_day_nano_interval(): st.tuples(*[st.integers(-9, 9)] * 3),
    }
    for unit in UNITS:
        found[pa.timestamp(unit)] = WHOLE
        found[pa.timestamp(unit, tz="UTC")] = WHOLE
        found[pa.timestamp(unit, tz="Mars/Base")] = WHOLE
        found[pa.duration(unit)] = WHOLE
    return found


SCALARS = scalars()


FORMS = ("plain", "dictionary", "list", "fixed", "struct", "map")


@st.composite
def columns(draw: st.DrawFn, *, is_mostly_text: bool) -> pa.Array:
    """A column of any type, or mostly of plain texts, with some of its values null."""
    is_text = is_mostly_text and draw(st.integers(0, 3)) > 0
    rows = draw(ROWS)
    type_ = pa.string() if is_text else draw(st.sampled_from([*SCALARS]))
    values = st.lists(SCALARS[type_] | st.none(), min_size=rows, max_size=rows)
    column = pa.array(draw(values), type_)
    return column if is_text else _in_form(column, draw(st.sampled_from(FORMS)))


def _in_form(column: pa.Array, form: str) -> pa.Array:
    rows = len(column)
    if form == "dictionary" and not pa.types.is_nested(column.type):
        indices = pa.array(range(rows), pa.int32())
        return pa.DictionaryArray.from_arrays(indices, column)
    if form == "list":
        return pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), column)
    if form == "fixed":
        return pa.FixedSizeListArray.from_arrays(column, 1)
    if form == "struct":
        return pa.StructArray.from_arrays([column, column], ["k", "k"])
    if form == "map":
        keys = pa.array(["key"] * rows, pa.string())
        return pa.MapArray.from_arrays(pa.array(range(rows + 1), pa.int32()), keys, column)
    return column


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Rows of an article and a summary, of another column and perhaps of ids."""
    names = ["article", "summary", "other", *(["id"] if draw(st.booleans()) else [])]
    return pa.table(
        {name: draw(columns(is_mostly_text=name in ("article", "summary"))) for name in names}
    )


def write(table: pa.Table, path: Path) -> None:
    """Writes the table as the name says; values that a text format lacks as their texts."""
    try:
        if path.name.endswith(".parquet"):
            pq.write_table(table, path)
        elif path.name.endswith(".feather"):
            pyarrow.feather.write_feather(table, path, compression="uncompressed")
        elif path.name.endswith(".arrow"):
            kind = pa.ipc.new_stream if ".stream" in path.name else pa.ipc.new_file
            with kind(path, table.schema) as writer:
                writer.write_table(table)
        else:
            _write_text(table, path)
    except pa.ArrowException:
        reject()  # the format has no such type


def _write_text(table: pa.Table, path: Path) -> None:
    rows = list(zip(*map(python_values, table.columns), strict=True))
    if path.suffix != ".csv" and path.suffix != ".tsv":
        text = _json_text(table.column_names, rows, path.name)
        data = text.encode("utf-16" if ".utf16" in path.name else "utf-8")
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return
    encoding = "utf-16" if ".utf16" in path.name else "utf-8"
    with path.open("w", encoding=encoding, newline="") as file:
        cells = [["" if value is None else str(value) for value in row] for row in rows]
        if path.suffix == ".csv":
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([table.column_names, *cells])
            return
        plain = [[" ".join(cell.split()) for cell in row] for row in cells]
        file.write("".join("\t".join(row) + "\n" for row in [table.column_names, *plain]))


def _json_text(names: Sequence[str], rows: Sequence[Sequence[Any]], file: str) -> str:
    """The rows in one of the forms that people keep JSON in, as the name of the file says."""
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    if ".columns." in file:
        return json.dumps({n: [r[n] for r in objects] for n in names}, default=str)
    if ".key." in file:
        return json.dumps({"version": 1, "data": objects}, default=str)
    if ".indented." in file:
        return "\n".join(json.dumps(row, default=str, indent=2) for row in objects)
    if file.endswith(".json"):
        return json.dumps(objects, default=str)
    return "".join(f"{json.dumps(row, default=str)}\n" for row in objects)


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables(), suffix=st.sampled_from(FORMATS))
def test_every_row_is_read_or_has_a_fault(table: pa.Table, suffix: str) -> None:
    fields = {name: FieldRule(path=name) for name in ("article", "summary")}
    id_path = "id" if "id" in table.column_names else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{suffix}"
        write(table, path)
        try:
            reader = RowReader(tuple(resolve_sources([str(path)])), fields, id_path, None, False)
            parts = [reader.parse(chunks) for chunks in read_source(reader, 0)]
        except SftdataError:
            return
    assert sum(part.batch.num_rows + len(part.faults) for part in parts) == table.num_rows


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(table=tables(), suffix=st.sampled_from(FORMATS))
def test_every_row_is_in_the_dataset_or_in_the_ledger(
    table: pa.Table, suffix: str, byte_tokenizer: Path
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{suffix}"
        write(table, path)
        try:
            manifest = build(
                "summarize",
                data=path,
                fields={"id": "id"} if "id" in table.column_names else None,
                tokenizer=byte_tokenizer,
                out=Path(folder) / "out",
                max_dropped=100,
            ).manifest
        except SftdataError:
            return
    assert manifest["rows_in"] == table.num_rows
    assert manifest["rows_in"] == manifest["rows_out"] + sum(manifest["dropped"].values())
