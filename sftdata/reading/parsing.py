"""Parse: chunks in, columns of text out, with a fault for every value that is not text.

Nearly all rows have only top-level strings as fields: Arrow parses them in native code. A Python
parser reads the others, and reports each fault with its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from sftdata.base.arrow import to_flags, to_numbers
from sftdata.base.reasons import Reason
from sftdata.errors import GoldenSetError
from sftdata.reading.chunks import Chunk
from sftdata.reading.collect import LABELS, Parsed, collect, is_label
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.json.lines import parse_line
from sftdata.reading.kinds import kind_of
from sftdata.reading.scalars import cast_to_text, column_texts
from sftdata.reading.sources.resolve import Source
from sftdata.reading.tables.columns import python_values
from sftdata.spec.fields import MESSAGES
from sftdata.spec.paths import Path, follow, parse_path

_BLANK_ROW = (Reason.BLANK_ROW, "all cells of the row are empty")


def parse_chunks(
    chunks: Sequence[Chunk],
    columns: Mapping[str, str],
    source: Source,
    conversations: ConversationReader = ConversationReader(),  # noqa: B008 - it is frozen
) -> Parsed:
    """The values at the paths of `columns`, by name, of every row of `chunks`.

    Where one of them is `MESSAGES`, `conversations` makes the conversation of it and of all other
    fields.
    Raises `GoldenSetError` with file and line for a line that is not a row: it is not JSON, not
    UTF-8, or gives a value twice.
    """
    if not isinstance(chunks[0].data, memoryview):
        return _parse_tables(chunks, columns, source, conversations)
    parsed = _parse_json_fast(chunks, columns)
    return _parse_json_slow(chunks, columns, source, conversations) if parsed is None else parsed


def _lines(chunks: Sequence[Chunk]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Chunk position and line of every row of `chunks`."""
    counts = [chunk.rows for chunk in chunks]
    position = np.repeat(np.arange(len(chunks), dtype=np.int32), counts)
    lines = [
        c.lines if c.lines is not None else np.arange(c.first_row, c.first_row + c.rows)
        for c in chunks
    ]
    return position, np.concatenate(lines)


def _parse_json_fast(chunks: Sequence[Chunk], columns: Mapping[str, str]) -> Parsed | None:
    """The rows parsed by Arrow, or None if its result might be wrong."""
    if MESSAGES in columns or any(len(parse_path(path)) > 1 for path in columns.values()):
        return None
    columns = {name: str(parse_path(path)[0]) for name, path in columns.items()}
    data = _one_buffer(chunks)
    if not _is_object_a_line(data):  # Arrow crashes where the first value is `null`
        return None
    whole = _integer_columns(chunks[0].data, columns)
    schema = pa.schema(
        [
            (p, pa.int64() if p in whole else pa.large_string())
            for p in dict.fromkeys(columns.values())
        ]
    )
    try:
        _check_utf8(data)  # everywhere, also in keys and in values that are not read
        table = pj.read_json(
            pa.BufferReader(data),
            pj.ReadOptions(block_size=data.size + 1),  # one block, so nothing to join
            pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    chunk, line = _lines(chunks)
    if table.num_rows != len(chunk):
        return None
    found = {name: cast_to_text(table.column(path)) for name, path in columns.items()}
    if all(column.null_count for column in found.values()):
        return None  # the row of a line that is `null` looks like this
    as_text = {
        name: {row: f"a number ({t})" for row, t in enumerate(found[name].to_pylist()) if t}
        for name, path in columns.items()
        if path in whole and not is_label(name)
    }
    return Parsed(found, chunk, line, {}, as_text=as_text)


def _is_object_a_line(data: pa.Buffer) -> bool:
    """Whether each line starts with `{` and ends with `}`.

    With as many rows as lines, each line is then one row: no line break inside a value can have
    both on its two sides.
    """
    text = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(text == 0x0A)
    starts = np.concatenate(([0], ends[:-1] + 1))
    last = text[ends - 1]
    if (last == 0x0D).any():
        last = np.where(last == 0x0D, text[ends - 2], last)
    return bool((text[starts] == ord("{")).all() and (last == ord("}")).all())


def _check_utf8(data: pa.Buffer) -> None:
    offsets = pa.py_buffer(np.array([0, data.size], np.int64))
    pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, offsets, data]).cast(
        pa.large_string()
    )


def _one_buffer(chunks: Sequence[Chunk]) -> pa.Buffer:
    """The bytes of all chunks; without a copy if they are adjacent in memory."""
    first, last = pa.py_buffer(chunks[0].data), pa.py_buffer(chunks[-1].data)
    size = sum(len(chunk.data) for chunk in chunks)
    whole = pa.py_buffer(chunks[0].data.obj)
    start = first.address - whole.address
    if whole.address <= last.address and last.address + last.size == first.address + size:
        return whole.slice(start, size)
    return pa.py_buffer(b"".join(chunk.data for chunk in chunks))


def _integer_columns(data: memoryview, columns: Mapping[str, str]) -> set[str]:
    """Paths of values that are integers in the first row."""
    try:
        row = orjson.loads(bytes(data).partition(b"\n")[0])
    except ValueError:
        return set()
    return {path for path in columns.values() if type(follow(row, (path,))) is int}


def _parse_json_slow(
    chunks: Sequence[Chunk],
    columns: Mapping[str, str],
    source: Source,
    conversations: ConversationReader,
) -> Parsed:
    # A row may be the list of its turns alone.
    turns = parse_path(columns[MESSAGES])[0] if MESSAGES in columns else None
    values: list[dict[str, Any]] = []
    position: list[int] = []
    lines: list[int] = []
    for index, chunk in enumerate(chunks):
        for number, line in enumerate(bytes(chunk.data).split(b"\n")[:-1], chunk.first_row):
            if line.strip():
                rows = _parse_rows(line, f"{source.name}:{number}", turns)
                values += rows
                position += [index] * len(rows)
                lines += [number] * len(rows)
    return collect(values, position, lines, columns, source, conversations)


def _parse_rows(line: bytes, where: str, list_field: Any) -> list[dict[str, Any]]:
    return [_as_row(value, where, list_field) for value in parse_line(line, where)]


def _as_row(value: Any, where: str, list_field: Any) -> dict[str, Any]:
    if isinstance(value, list) and list_field is not None:
        return {list_field: value}
    if not isinstance(value, dict):
        raise GoldenSetError(
            f"{where}: a JSON object is expected, not {kind_of(value)}.",
            'Write each row as {"field": "text", …} on a line of its own.',
        )
    return value


def _parse_tables(
    chunks: Sequence[Chunk],
    columns: Mapping[str, str],
    source: Source,
    conversations: ConversationReader,
) -> Parsed:
    table = pa.Table.from_batches([chunk.data for chunk in chunks])
    position, lines = _lines(chunks)
    native = _native_columns(table, columns)
    if native is not None:
        parsed = Parsed(native, position, lines, {})
    else:
        rows = _table_rows(table)
        at, on = position.tolist(), lines.tolist()
        parsed = collect(rows, at, on, columns, source, conversations, null_filled=True)
    if source.format in ("csv", "tsv", "xlsx") and table.num_columns:
        blank = np.flatnonzero(to_flags(table.column(0).combine_chunks().is_null()))
        parsed.faults.update(dict.fromkeys(blank.tolist(), _BLANK_ROW))
    return parsed


def _native_columns(
    table: pa.Table, columns: Mapping[str, str]
) -> dict[str, pa.LargeStringArray] | None:
    """The texts at the paths, by column; None where rows have to be looked at one by one."""
    if MESSAGES in columns:
        return None
    found = {}
    for name, path in columns.items():
        column = _at_path(table, parse_path(path))
        texts = None if column is None else column_texts(column, label=name in LABELS)
        if texts is None:
            return None
        found[name] = texts
    return found


def _table_rows(table: pa.Table) -> list[dict[str, Any]]:
    values = [python_values(column) for column in table.columns]
    if not values:
        return [{} for _ in range(table.num_rows)]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*values, strict=True)]


def _at_path(table: pa.Table, path: Path) -> pa.ChunkedArray | None:
    """The values at the end of `path`; None for paths that only Python follows."""
    nulls = pa.chunked_array([pa.nulls(table.num_rows, pa.large_string())])
    name, *steps = path
    if name not in table.column_names:
        return nulls
    column = table.column(name)
    for step in steps:
        if isinstance(step, str) and pa.types.is_struct(column.type):
            if column.type.get_field_index(step) < 0:
                return nulls
            column = pc.struct_field(column, [step])
        elif isinstance(step, int) and step >= 0 and _is_list(column.type):
            items = [_item(chunk, step) for chunk in column.chunks]
            column = pa.chunked_array(items, column.type.value_type)
        else:
            return None
    return column


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_))


def _item(lists: pa.ListArray | pa.LargeListArray, number: int) -> pa.Array:
    """The item of this number of each list, null where the list is shorter."""
    length = to_numbers(pc.fill_null(pc.list_value_length(lists), 0))
    return lists.values.take(
        pa.array(to_numbers(lists.offsets)[:-1] + number, mask=length <= number)
    )
