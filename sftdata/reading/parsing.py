"""Parse: chunks in, columns of text out, with a fault for every value that is not text.

Nearly all rows have only top-level strings as fields: Arrow parses them in native code. A Python
parser reads the others, and reports each fault with its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import xxhash

from sftdata.base.arrow import to_numbers
from sftdata.base.reasons import Reason
from sftdata.errors import GoldenSetError
from sftdata.reading.chunks import Chunk
from sftdata.reading.columns import Unreadable, python_values
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.conversations.repairs import Repair
from sftdata.reading.sources import Source
from sftdata.spec.fields import MESSAGES
from sftdata.spec.paths import EACH, MISSING, Path, expand_paths, follow, parse_path

# Columns that are not golden fields. No field can have such a name.
ID, GROUP, SPLIT, WHERE = "\0id", "\0group", "\0split", "\0where:"
_LABELS = (ID, GROUP, SPLIT)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Every row of some chunks, usable or not; nulls where a row has no value."""

    columns: dict[str, pa.LargeStringArray]
    chunk: npt.NDArray[np.int32]
    line: npt.NDArray[np.int64]
    faults: dict[int, tuple[str, str]]  # row → reason, detail
    repairs: dict[int, tuple[Repair, ...]] = field(default_factory=dict)  # of conversations, by row


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
    data = _one_buffer(chunks)
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
    if table.num_rows != len(chunk) or not _is_object_a_line(data):
        return None
    found = {name: _text_column(table.column(path)) for name, path in columns.items()}
    if all(column.null_count for column in found.values()):
        return None  # the row of a line that is `null` looks like this
    return Parsed(found, chunk, line, {})


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
    """Paths of ids that are integers in the first row; other fields must be text."""
    try:
        row = orjson.loads(bytes(data).partition(b"\n")[0])
    except ValueError:
        return set()
    names = [path for name, path in columns.items() if name in _LABELS]
    fields = {path for name, path in columns.items() if name not in _LABELS}
    return {path for path in names if path not in fields and type(follow(row, (path,))) is int}


def _text_column(column: pa.ChunkedArray) -> pa.LargeStringArray:
    column = column.cast(pa.large_string())
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


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
                values.append(_parse_line(line, f"{source.name}:{number}", turns))
                position.append(index)
                lines.append(number)
    return _collect(values, position, lines, columns, source, conversations)


def _parse_line(line: bytes, where: str, list_field: Any) -> dict[str, Any]:
    try:
        row = json.loads(
            line.decode("utf-8"), object_pairs_hook=_Object.from_pairs, parse_int=_integer
        )
    except UnicodeDecodeError as error:
        raise GoldenSetError(
            f"{where}: byte 0x{line[error.start]:02x} at position {error.start + 1} is not UTF-8.",
            "Save the file as UTF-8.",
        ) from error
    except RecursionError as error:
        raise GoldenSetError(
            f"{where}: the value is nested too deeply.", "Remove what is nested; it is not read."
        ) from error
    except ValueError as error:
        raise GoldenSetError(
            f"{where}: not a JSON value on one line: {error}",
            "Every line must be one complete JSON object; the last one may have been cut off.",
        ) from error
    if isinstance(row, list) and list_field is not None:
        return {list_field: row}
    if not isinstance(row, dict):
        raise GoldenSetError(
            f"{where}: a JSON object is expected, not {_kind(row)}.",
            'Write each row as {"field": "text", …} on a line of its own.',
        )
    return row


def _integer(digits: str) -> int | float:
    # Python refuses integers of thousands of digits. Only error messages show the value.
    return int(digits) if len(digits) < 1000 else float(digits)


class _Object(dict[str, Any]):
    """A JSON object and its repeated keys."""

    repeated: frozenset[str] = frozenset()

    @classmethod
    def from_pairs(cls, pairs: list[tuple[str, Any]]) -> _Object:
        made = cls(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            made.repeated = frozenset(name for name in names if names.count(name) > 1)
        return made


def _parse_tables(
    chunks: Sequence[Chunk],
    columns: Mapping[str, str],
    source: Source,
    conversations: ConversationReader,
) -> Parsed:
    table = pa.Table.from_batches([chunk.data for chunk in chunks])
    position, lines = _lines(chunks)
    found = {name: _at_path(table, parse_path(path)) for name, path in columns.items()}
    native = {n: _text_column(c) for n, c in found.items() if c is not None and _is_text(n, c.type)}
    if len(native) == len(columns):
        return Parsed(native, position, lines, {})
    rows = _table_rows(table)
    return _collect(
        rows, position.tolist(), lines.tolist(), columns, source, conversations, null_filled=True
    )


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


def _is_text(name: str, type_: pa.DataType) -> bool:
    is_text = name != MESSAGES and (pa.types.is_string(type_) or pa.types.is_large_string(type_))
    return bool(is_text or (_is_label(name) and pa.types.is_integer(type_)))


def _is_label(name: str) -> bool:
    """Whether the column is only compared, never shown to a model. It may hold numbers."""
    return name in _LABELS or name.startswith(WHERE)


def _collect(
    rows: Sequence[Mapping[str, Any]],
    position: Sequence[int],
    lines: Sequence[int],
    columns: Mapping[str, str],
    source: Source,
    conversations: ConversationReader,
    *,
    null_filled: bool = False,
) -> Parsed:
    """Columns of text out of parsed rows, with a fault for each value that is not text."""
    names = list(columns)
    paths = [parse_path(path) for path in columns.values()]
    splits_rows = any(EACH in path for path in paths)
    of_talk = [MESSAGES in columns and not _is_label(name) for name in names]
    unrolls = conversations.unroll and any(of_talk)
    shown = [name for name, is_part in zip(names, of_talk, strict=True) if not is_part]
    found: dict[str, list[str | None]] = {n: [] for n in (*shown, *([MESSAGES] * any(of_talk)))}
    places: list[tuple[int, int]] = []  # chunk and line of each golden row
    families: list[str] = []
    faults: dict[int, tuple[str, str]] = {}
    repairs: dict[int, tuple[Repair, ...]] = {}
    for row, at, line in zip(rows, position, lines, strict=True):
        for path in paths:
            _check_repeated(row, path, f"{source.name}:{line}")
        # All items of a source row must be in the same split.
        family = _family(row) if splits_rows or unrolls else ""
        for number, steps in expand_paths(row, paths) if splits_rows else ((0, paths),):
            texts: dict[str, str | None] = {}
            talk: dict[str, list[Any]] = {}
            fault: tuple[str, str] | None = None
            for name, path, is_part in zip(names, steps, of_talk, strict=True):
                if is_part:
                    talk.setdefault(name.partition("\0")[0], []).append(follow(row, path))
                    continue
                text, wrong = _as_text(name, follow(row, path))
                if splits_rows and name == ID and text:
                    text = f"{text}#{number}"
                if name == GROUP and text is None and (splits_rows or unrolls):
                    text = family
                texts[name], fault = text, fault or wrong
            for read in conversations.read(talk, null_filled=null_filled) if talk else (None,):
                if read is not None:
                    texts[MESSAGES] = read.text
                    if read.repairs:
                        repairs[len(places)] = read.repairs
                reason = fault or (read.fault if read is not None else None)
                if reason is not None:
                    faults[len(places)] = reason
                for name, text in texts.items():
                    if name == ID and text and read is not None and read.turn is not None:
                        text = f"{text}#{read.turn}"
                    found[name].append(text)
                places.append((at, line))
                families.append(family)
    if (splits_rows or unrolls) and GROUP not in found:
        found[GROUP] = [*families]
    return Parsed(
        {name: pa.array(values, pa.large_string()) for name, values in found.items()},
        np.array([at for at, _ in places], np.int32),
        np.array([line for _, line in places], np.int64),
        faults,
        repairs,
    )


def _family(row: Mapping[str, Any]) -> str:
    return xxhash.xxh3_128_hexdigest(repr(row).encode("utf-8", "replace"))


def _check_repeated(row: Any, path: Path, where: str) -> None:
    for step in path:
        if isinstance(row, _Object) and step in row.repeated:
            raise GoldenSetError(
                f"{where}: the key '{step}' stands in the object more than once.",
                "Remove one of them; which one is meant cannot be known.",
            )
        row = follow(row, (step,))


def _as_text(name: str, value: Any) -> tuple[str | None, tuple[str, str] | None]:
    if _is_label(name) and isinstance(value, int) and not isinstance(value, bool):
        return str(value), None
    if name.startswith(WHERE) and isinstance(value, (bool, float)):
        return json.dumps(value), None
    if value is None or isinstance(value, type(MISSING)):
        return None, None
    shown = name.partition("\0")[0] or name.strip("\0")
    if not isinstance(value, str):
        return "", (Reason.WRONG_TYPE, f"'{shown}' is {_kind(value)}, not text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(value[error.start])
        detail = f"'{shown}' holds a lone surrogate (U+{code:04X})"
        return value.encode("utf-8", "replace").decode("utf-8"), (Reason.LONE_SURROGATE, detail)
    return value, None


def _kind(value: Any) -> str:
    if isinstance(value, Unreadable):
        return f"a value of type {value.type} that Python cannot hold"
    if isinstance(value, bool):
        return f"a boolean ({str(value).lower()})"
    if isinstance(value, (int, float)):
        return f"a number ({value})"
    kinds: dict[type, str] = {
        str: "a string",
        bytes: "bytes that are not UTF-8",
        list: "a list",
        dict: "an object",
        type(None): "null",
    }
    return next((text for kind, text in kinds.items() if isinstance(value, kind)), "a value")
