"""Parse: chunks in, columns of text out, with a fault for every row that is not usable.

Rows whose fields are top-level strings, which is nearly all there is, are parsed in native code.
Anything that code does not take goes through a Python parser that says what is wrong and where.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import xxhash

from sftdata.columns import flag, flags, numbers, text, texts, to_flags, to_numbers
from sftdata.errors import GoldenSetError, did_you_mean
from sftdata.escaping import escape
from sftdata.golden.chunks import Chunk
from sftdata.golden.mapping import EACH, MISSING, FieldRule, Path, each_item, follow, parse_path
from sftdata.golden.messages import MESSAGES, canonical_messages
from sftdata.golden.sources import Source
from sftdata.split import hash_column, hash_texts

_JSON_BLOCK_BYTES = 4 * 1024 * 1024
_PEEKED_ROWS = 64
_VISIBLE = r"[^\s\v\x{1c}-\x{1f}\x{85}\p{Z}]"  # a character that is no white space to Python


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that cannot become an example, as its ledger line will say it."""

    row_id: str
    chunk: int  # position in the parsed chunks
    line: int  # in the source, see Chunk.first_row
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Usable rows in source order. `batch`: row_id and every golden field, as `large_string`."""

    batch: pa.RecordBatch
    chunk: npt.NDArray[np.int32]  # position in the parsed chunks, of each row
    line: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]  # [rows, 2], of the row id
    group_hashes: npt.NDArray[np.uint64]  # [rows, 2], of what the split is made by
    has_own_id: npt.NDArray[np.bool_]  # whether the source gave the id
    faults: list[RowFault]

    @classmethod
    def of(cls, batch: pa.RecordBatch, group_hashes: npt.NDArray[np.uint64] | None = None) -> Rows:
        """Rows in hand, of no source: `row_id` and golden fields as `large_string`."""
        hashes = hash_column(batch.column("row_id"))
        nothing = np.zeros(batch.num_rows, np.int64)
        return cls(
            batch=batch,
            chunk=nothing.astype(np.int32),
            line=nothing,
            hashes=hashes,
            group_hashes=hashes if group_hashes is None else group_hashes,
            has_own_id=np.ones(batch.num_rows, np.bool_),
            faults=[],
        )

    def take(self, rows: npt.NDArray[np.int64]) -> Rows:
        """The rows at these places, in this order; all faults."""
        return Rows(
            batch=self.batch.take(numbers(rows)),
            chunk=self.chunk[rows],
            line=self.line[rows],
            hashes=self.hashes[rows],
            group_hashes=self.group_hashes[rows],
            has_own_id=self.has_own_id[rows],
            faults=self.faults,
        )


@dataclass(frozen=True)
class RowReader:
    """How rows of the build's sources become golden fields."""

    sources: tuple[Source, ...]
    fields: Mapping[str, FieldRule]  # golden field → rule, without the id
    id_path: str | None
    group_path: str | None
    keep_nul: bool
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # path → texts let through

    @cached_property
    def _columns(self) -> dict[str, str]:
        """Path of every value that is read, by the name of its column."""
        columns = {
            _field(name, i): path
            for name, rule in self.fields.items()
            for i, path in enumerate(rule.paths)
        }
        columns |= {f"{_WHERE}{path}": path for path in self.where}
        if self.id_path is not None:
            columns[_ID] = self.id_path
        if self.group_path is not None:
            columns[_GROUP] = self.group_path
        return columns

    def check_columns(self, chunks: Sequence[Chunk]) -> None:
        """Compares the mapping with the columns of a source's first rows, before any is built.

        Raises `GoldenSetError` that names the missing field, the columns and how to map it.
        """
        rows = _peek(chunks)
        columns = {name for row in rows for name in row}
        source = self.sources[chunks[0].source]
        needed = {n: rule.paths for n, rule in self.fields.items() if not rule.optional}
        needed |= {path: (path,) for path in self.where}
        if self.group_path is not None:
            needed["group"] = (self.group_path,)
        for name, paths in needed.items():
            first = [str(parse_path(path)[0]) for path in paths]
            if rows and paths and columns.isdisjoint(first):
                likely = _likely(name, paths[0], columns)
                raise GoldenSetError(
                    f"The field '{name}' is read from '{paths[0]}'; {source.name} has: "
                    f"{', '.join(escape(c) for c in sorted(columns))}.",
                    f"Map it, for example: --map {name}={escape(likely)}\n"
                    f"{escape(did_you_mean(first[0], columns))}",
                )

    def parse(self, chunks: Sequence[Chunk]) -> Rows:
        """The rows of `chunks`, which all come from one source.

        Raises `GoldenSetError` with file and line for what is no row at all: a line that is not
        JSON or not UTF-8, or a field that the row gives twice.
        """
        source = self.sources[chunks[0].source]
        if isinstance(chunks[0].data, memoryview):
            parsed = _parse_json_fast(chunks, self._columns)
            if parsed is None:
                parsed = _parse_json_slow(chunks, self._columns, source)
        else:
            parsed = _parse_tables(chunks, self._columns, source)
        return self._check(parsed, source)

    def _check(self, raw: _Parsed, source: Source) -> Rows:
        parsed = self._to_fields(raw)
        row_ids, own = self._row_ids(parsed)
        faults = self._find_faults(parsed)
        usable = np.ones(len(parsed.chunk), np.bool_)
        usable[list(faults)] = False
        columns = {"row_id": row_ids} | {name: parsed.columns[name] for name in self.fields}
        batch = pa.RecordBatch.from_pydict(columns)
        if faults:
            batch = batch.filter(flags(usable))
        hashes = hash_column(batch.column("row_id"))
        group_hashes = hashes
        if _GROUP in parsed.columns:
            groups = parsed.columns[_GROUP].filter(flags(usable))
            alone = to_flags(groups.is_null())  # a row of no group is a group of its own
            group_hashes = hash_column(pc.fill_null(groups, text("")))
            group_hashes = np.where(alone[:, None], hashes, group_hashes)
        ids = row_ids.to_pylist() if faults else []
        return Rows(
            batch=batch,
            chunk=parsed.chunk[usable],
            line=parsed.line[usable],
            hashes=hashes,
            group_hashes=group_hashes,
            has_own_id=own[usable],
            faults=[
                RowFault(ids[row], int(parsed.chunk[row]), int(parsed.line[row]), *fault)
                for row, fault in sorted(faults.items())
            ],
        )

    def _to_fields(self, raw: _Parsed) -> _Parsed:
        """The golden fields made of the columns that were read; a fault for each row let out."""
        columns = {n: raw.columns[n] for n in (_ID, _GROUP) if n in raw.columns}
        faults = dict(raw.faults)
        for name, rule in self.fields.items():
            read = [raw.columns[_field(name, i)] for i in range(len(rule.paths))]
            columns[name] = _apply(rule, read, len(raw.chunk))
        for path, allowed in self.where.items():
            column = raw.columns[f"{_WHERE}{path}"]
            passes = to_flags(pc.is_in(column, texts(allowed)))
            for row in np.flatnonzero(~passes).tolist():
                # What is not asked for need not be whole.
                faults[row] = (FILTERED, f"'{path}' is not {' or '.join(map(repr, allowed))}")
        return _Parsed(columns, raw.chunk, raw.line, faults)

    def _row_ids(self, parsed: _Parsed) -> tuple[pa.LargeStringArray, npt.NDArray[np.bool_]]:
        """The mapped id where the row has one, else a digest of the row's fields."""
        given = parsed.columns.get(_ID)
        if given is None:
            return _content_ids(parsed, self.fields), np.zeros(len(parsed.chunk), np.bool_)
        own = to_flags(pc.fill_null(pc.not_equal(given, text("")), flag(False)))
        if own.all():
            return given, own
        return pc.if_else(flags(own), given, _content_ids(parsed, self.fields)), own

    def _find_faults(self, parsed: _Parsed) -> dict[int, tuple[str, str]]:
        """Reason and detail by row; of several faults in a row, the first in field order."""
        faults = dict(parsed.faults)
        for name, rule in self.fields.items():
            if rule.optional:
                continue
            column = parsed.columns[name]
            for row in np.flatnonzero(to_flags(column.is_null())):
                faults.setdefault(int(row), ("missing_field", f"'{name}' is missing or null"))
            visible = pc.match_substring_regex(column, _VISIBLE)
            for row in np.flatnonzero(~to_flags(pc.fill_null(visible, flag(True)))):
                faults.setdefault(int(row), ("empty_field", f"'{name}' is empty"))
        for name in self.fields:
            column = parsed.columns[name]
            if not self.keep_nul and _holds_nul(column):
                nul = pc.fill_null(pc.match_substring(column, "\0"), flag(False))
                for row in np.flatnonzero(to_flags(nul)):
                    faults.setdefault(int(row), ("nul_character", f"'{name}' holds a NUL (U+0000)"))
        return faults


FILTERED = "filtered"
_ID, _GROUP, _WHERE = "\0id", "\0group", "\0where:"  # no golden field can be called that


def _field(name: str, alternative: int) -> str:
    """The column of a field's path; further ones are read for rules with several."""
    return name if alternative == 0 else f"{name}\0{alternative}"


@dataclass(frozen=True, slots=True)
class _Parsed:
    columns: dict[str, pa.LargeStringArray]
    chunk: npt.NDArray[np.int32]
    line: npt.NDArray[np.int64]
    faults: dict[int, tuple[str, str]]


def _apply(rule: FieldRule, read: Sequence[pa.LargeStringArray], rows: int) -> pa.LargeStringArray:
    """The golden field that `rule` makes of the columns it reads."""
    if rule.value is not None:
        return texts([rule.value] * rows)
    column = read[0]
    if len(read) > 1:
        nothing = pa.nulls(rows, pa.large_string())
        column = pc.coalesce(
            *(pc.if_else(pc.match_substring_regex(c, _VISIBLE), c, nothing) for c in read),
            read[-1],
        )
    if rule.strip_prefix:
        longest_first = sorted(rule.strip_prefix, key=len, reverse=True)
        prefixes = "|".join(map(re.escape, longest_first))
        column = pc.replace_substring_regex(column, f"^(?:{prefixes})", "", max_replacements=1)
    return pc.fill_null(column, text("")) if rule.optional else column


def _likely(name: str, path: str, columns: set[str]) -> str:
    near = [c for c in sorted(columns) if name in c or c in name or path in c]
    return near[0] if near else "COLUMN"


def _peek(chunks: Sequence[Chunk]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for chunk in chunks:
        if isinstance(chunk.data, pa.RecordBatch):
            return [dict.fromkeys(chunk.data.schema.names)]
        for line in bytes(chunk.data).split(b"\n"):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue  # parsing says so, with the line
            if isinstance(row, dict):
                rows.append(row)
            if len(rows) >= _PEEKED_ROWS:
                return rows
    return rows


def _content_ids(parsed: _Parsed, fields: Iterable[str]) -> pa.LargeStringArray:
    """Hexadecimal XXH3 128-bit digests over the digests of the fields, in order of their names."""
    columns = [pc.fill_null(parsed.columns[name], text("")) for name in sorted(fields)]
    by_field = np.concatenate([hash_column(column) for column in columns], axis=1)
    size = by_field.itemsize * by_field.shape[1]
    data = memoryview(by_field.astype("<u8").tobytes())
    hashes = hash_texts([data[i : i + size] for i in range(0, len(data), size)])
    digits = hashes.astype(">u8").tobytes().hex()
    return texts([digits[i : i + 32] for i in range(0, len(digits), 32)])


def _holds_nul(column: pa.LargeStringArray) -> bool:
    data = column.buffers()[2]
    return data is not None and data.size > 0 and np.frombuffer(data, np.uint8).min() == 0


def _lines(chunks: Sequence[Chunk]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Chunk position and line of every row of `chunks`."""
    counts = [chunk.rows for chunk in chunks]
    position = np.repeat(np.arange(len(chunks), dtype=np.int32), counts)
    lines = [
        c.lines if c.lines is not None else np.arange(c.first_row, c.first_row + c.rows)
        for c in chunks
    ]
    return position, np.concatenate(lines)


def _parse_json_fast(chunks: Sequence[Chunk], columns: Mapping[str, str]) -> _Parsed | None:
    """The rows parsed by Arrow, or None where its result would not be certain."""
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
    longest = max(len(chunk.data) for chunk in chunks)
    try:
        _check_utf8(data)  # everywhere, also in keys and in values that are not read
        table = pj.read_json(
            pa.BufferReader(data),
            pj.ReadOptions(block_size=max(_JSON_BLOCK_BYTES, 2 * longest)),
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
    return _Parsed(found, chunk, line, {})


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
    """The bytes of all chunks; a window where they lie side by side, as all of a piece do."""
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
    names = [path for name, path in columns.items() if name in (_ID, _GROUP)]
    fields = {path for name, path in columns.items() if name not in (_ID, _GROUP)}
    return {path for path in names if path not in fields and type(follow(row, (path,))) is int}


def _text_column(column: pa.ChunkedArray) -> pa.LargeStringArray:
    column = column.cast(pa.large_string())
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _parse_json_slow(
    chunks: Sequence[Chunk], columns: Mapping[str, str], source: Source
) -> _Parsed:
    values: list[dict[str, Any]] = []
    position: list[int] = []
    lines: list[int] = []
    for index, chunk in enumerate(chunks):
        for number, line in enumerate(bytes(chunk.data).split(b"\n")[:-1], chunk.first_row):
            if line.strip():
                values.append(_parse_line(line, f"{source.name}:{number}"))
                position.append(index)
                lines.append(number)
    return _collect(values, position, lines, columns, source)


def _parse_line(line: bytes, where: str) -> dict[str, Any]:
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
    if not isinstance(row, dict):
        raise GoldenSetError(
            f"{where}: a JSON object is expected, not {_kind(row)}.",
            'Write each row as {"field": "text", …} on a line of its own.',
        )
    return row


def _integer(digits: str) -> int | float:
    # Python refuses to read an integer of thousands of digits; as a value it is only ever named.
    return int(digits) if len(digits) < 1000 else float(digits)


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys it was given twice."""

    repeated: frozenset[str] = frozenset()

    @classmethod
    def from_pairs(cls, pairs: list[tuple[str, Any]]) -> _Object:
        made = cls(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            made.repeated = frozenset(name for name in names if names.count(name) > 1)
        return made


def _parse_tables(chunks: Sequence[Chunk], columns: Mapping[str, str], source: Source) -> _Parsed:
    table = pa.Table.from_batches([chunk.data for chunk in chunks])
    position, lines = _lines(chunks)
    found = {name: _at_path(table, parse_path(path)) for name, path in columns.items()}
    native = {n: _text_column(c) for n, c in found.items() if c is not None and _is_text(n, c.type)}
    if len(native) == len(columns):
        return _Parsed(native, position, lines, {})
    return _collect(table.to_pylist(), position.tolist(), lines.tolist(), columns, source)


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
    """Whether the column is compared and never shown to a model: numbers are as good as text."""
    return name in (_ID, _GROUP) or name.startswith(_WHERE)


def _collect(
    rows: Sequence[Mapping[str, Any]],
    position: Sequence[int],
    lines: Sequence[int],
    columns: Mapping[str, str],
    source: Source,
) -> _Parsed:
    """Columns of text out of parsed rows, with a fault for each value that is not text."""
    names = list(columns)
    paths = [parse_path(path) for path in columns.values()]
    splits_rows = any(EACH in path for path in paths)
    found: dict[str, list[str | None]] = {name: [] for name in columns}
    places: list[tuple[int, int]] = []  # chunk and line of each golden row
    families: list[str] = []
    faults: dict[int, tuple[str, str]] = {}
    for row, at, line in zip(rows, position, lines, strict=True):
        for path in paths:
            _check_repeated(row, path, f"{source.name}:{line}")
        # The items of one source row must not be torn apart by the splits.
        family = _family(row) if splits_rows else ""
        for number, steps in each_item(row, paths) if splits_rows else ((0, paths),):
            for name, path in zip(names, steps, strict=True):
                text, fault = _as_text(name, follow(row, path))
                if splits_rows and name == _ID and text:
                    text = f"{text}#{number}"
                if splits_rows and name == _GROUP and text is None:
                    text = family
                found[name].append(text)
                if fault is not None:
                    faults.setdefault(len(places), fault)
            places.append((at, line))
            families.append(family)
    if splits_rows and _GROUP not in found:
        found[_GROUP] = [*families]
    return _Parsed(
        {name: pa.array(values, pa.large_string()) for name, values in found.items()},
        np.array([at for at, _ in places], np.int32),
        np.array([line for _, line in places], np.int64),
        faults,
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
    if name.startswith(_WHERE) and isinstance(value, (bool, float)):
        return json.dumps(value), None
    if value is None or isinstance(value, type(MISSING)):
        return None, None
    if name == MESSAGES:
        value, problem = canonical_messages(value)
        if problem is not None:
            return "", ("bad_messages", problem)
    shown = name.partition("\0")[0] or name.strip("\0")
    if not isinstance(value, str):
        return "", ("wrong_type", f"'{shown}' is {_kind(value)}, not text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(value[error.start])
        detail = f"'{shown}' holds a lone surrogate (U+{code:04X})"
        return value.encode("utf-8", "replace").decode("utf-8"), ("lone_surrogate", detail)
    return value, None


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return f"a boolean ({str(value).lower()})"
    if isinstance(value, (int, float)):
        return f"a number ({value})"
    kinds: dict[type, str] = {
        str: "a string",
        list: "a list",
        dict: "an object",
        type(None): "null",
    }
    return next((text for kind, text in kinds.items() if isinstance(value, kind)), "a value")
