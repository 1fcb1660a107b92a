"""Read golden rows: chunks in, golden fields out, with a fault for each unusable row."""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import flag, flags, numbers, text, texts, to_flags, to_numbers
from sftdata.base.hashing import hash_column
from sftdata.base.reasons import Reason, Status
from sftdata.reading.chunks import Chunk
from sftdata.reading.collect import GROUP, ID, SPLIT, WHERE, Parsed
from sftdata.reading.column_check import ReadPath, check_columns, check_keys
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.parsing import parse_chunks
from sftdata.reading.peek import first_rows
from sftdata.reading.row_faults import find_faults
from sftdata.reading.row_ids import find_row_ids
from sftdata.reading.rules import apply_rule, column_of, to_type
from sftdata.reading.sources.resolve import Source
from sftdata.reading.splits import NOT_GIVEN
from sftdata.reading.tables.dialects import Quoting
from sftdata.spec.fields import MESSAGES, FieldRule
from sftdata.spec.paths import parse_path
from sftdata.spec.split_names import find_split

_UNKNOWN = -2  # the split of a row whose column names none


Remark = tuple[Status, Reason, str]  # with a detail


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that cannot become an example: the content of its ledger line."""

    row_id: str  # "" where the source gives none: the row is named by its place
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
    group_hashes: npt.NDArray[np.uint64]  # [rows, 2], of the group or id that decides the split
    faults: list[RowFault]
    given_splits: npt.NDArray[np.int8] | None = None  # None: the source gives no row a split
    # What the ledger says about rows that stay, by row: repairs, and values that were no text.
    remarks: Mapping[int, tuple[Remark, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: pa.RecordBatch, group_hashes: npt.NDArray[np.uint64] | None = None) -> Rows:
        """Rows that come from no source: `row_id` and golden fields as `large_string`."""
        hashes = hash_column(batch.column("row_id"))
        nothing = np.zeros(batch.num_rows, np.int64)
        return cls(
            batch=batch,
            chunk=nothing.astype(np.int32),
            line=nothing,
            hashes=hashes,
            group_hashes=hashes if group_hashes is None else group_hashes,
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
            faults=self.faults,
            given_splits=None if self.given_splits is None else self.given_splits[rows],
            remarks=_take_remarks(self.remarks, rows),
        )


@dataclass(frozen=True)
class RowReader:
    """Reads the golden fields of source rows."""

    sources: tuple[Source, ...]
    fields: Mapping[str, FieldRule]  # golden field → rule, without the id
    id_path: str | None
    group_path: str | None
    keep_nul: bool
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # path → texts let through
    split_path: str | None = None  # names the split of a row
    splits: tuple[str, ...] = ()
    # Names, also of optional fields and the id, that a source must have a column for.
    required: frozenset[str] = frozenset()
    beside: Mapping[str, FieldRule] = field(default_factory=dict)  # read with the messages
    conversations: ConversationReader = field(default_factory=ConversationReader)
    id_prefix: str | None = None  # put before the ids of the sources; see `Source.id_prefix`
    quoting: Quoting = None  # of CSV and TSV files

    @cached_property
    def _columns(self) -> dict[str, str]:
        """Path of every value that is read, by the name of its column."""
        columns = {
            column_of(name, i): path
            for name, rule in (*self.fields.items(), *self.beside.items())
            for i, path in enumerate(rule.paths)
        }
        columns |= {f"{WHERE}{path}": path for path in self.where}
        if self.id_path is not None:
            columns[ID] = self.id_path
        if self.group_path is not None:
            columns[GROUP] = self.group_path
        if self.split_path is not None:
            columns[SPLIT] = self.split_path
        return columns

    @property
    def columns(self) -> frozenset[str]:
        """The names of the columns that are read."""
        return frozenset(str(parse_path(path)[0]) for path in self._columns.values())

    def check_columns(self, chunks: Sequence[Chunk]) -> None:
        """Compares the mapping with the columns of a source's first rows, before any is built.

        Raises `GoldenSetError` that names the missing fields, the columns and how to map them.
        """
        rows = first_rows(chunks)
        if not rows:
            return
        read = {
            name: [ReadPath(name, path) for path in rule.paths]
            for name, rule in self.fields.items()
            if not rule.optional or name in self.required
        }
        read |= {
            name: [ReadPath(name, path) for path in rule.paths]
            for name, rule in self.beside.items()
            if name in self.required
        }
        completion = self.beside.get("completion")
        if completion is not None and _column_names(rows) & _heads(completion.paths):
            read.pop(MESSAGES, None)
        if self.id_path is not None and "id" in self.required:
            read["id"] = [ReadPath("id", self.id_path)]
        keys: list[tuple[str, str | None]] = [("where", path) for path in self.where]
        keys += [("group", self.group_path), ("split_column", self.split_path)]
        read |= {f"{k}:{path}": [ReadPath(k, path, is_key=True)] for k, path in keys if path}
        index = chunks[0].source
        source = self.sources[index].name
        check_columns(source, list(_column_names(rows)), read, is_first=index == 0)
        # A row that lacks one of these stays, and is named or split in another way.
        wanted = [read["id"]] if "id" in read else []
        wanted += [read[f"{key}:{path}"] for key, path in keys if key != "where" and path]
        check_keys(source, rows, (path for paths in wanted for path in paths))

    def unread_columns(self, chunks: Sequence[Chunk]) -> list[str]:
        """The columns of a source's first rows that no path starts with, in their order."""
        read = {parse_path(path)[0] for path in self._columns.values()}
        if self.id_path is None and "id" in self.required:
            read.add("id")  # --map id=none names it
        return [name for name in _column_names(first_rows(chunks)) if name not in read]

    def parse(self, chunks: Sequence[Chunk]) -> Rows:
        """The rows of `chunks`, which all come from one source.

        Raises `GoldenSetError` with file and line for a line that is not a row: it is not JSON, not
        UTF-8, or gives a field twice.
        """
        source = self.sources[chunks[0].source]
        parsed = parse_chunks(chunks, self._columns, source, self.conversations)
        return self._check(parsed, source)

    def _check(self, raw: Parsed, source: Source) -> Rows:
        parsed = self._to_fields(raw)
        row_ids, own = find_row_ids(parsed, self.fields, source.id_prefix(self.id_prefix))
        faults = find_faults(parsed, self.fields, keep_nul=self.keep_nul)
        given = self._given_splits(parsed, source.split, faults)
        usable = np.ones(len(parsed.chunk), np.bool_)
        usable[list(faults)] = False
        columns = {"row_id": row_ids} | {name: parsed.columns[name] for name in self.fields}
        batch = pa.RecordBatch.from_pydict(columns)
        if faults:
            batch = batch.filter(flags(usable))
        hashes = hash_column(batch.column("row_id"))
        group_hashes = hashes
        if GROUP in parsed.columns:
            groups = parsed.columns[GROUP].filter(flags(usable))
            alone = to_flags(groups.is_null())  # a row of no group is a group of its own
            group_hashes = hash_column(pc.fill_null(groups, text("")))
            group_hashes = np.where(alone[:, None], hashes, group_hashes)
        ids = row_ids.filter(flags(~usable)).to_pylist()
        named = own[~usable].tolist()
        return Rows(
            batch=batch,
            chunk=parsed.chunk[usable],
            line=parsed.line[usable],
            hashes=hashes,
            group_hashes=group_hashes,
            faults=[
                RowFault(
                    row_id if has_id else "", int(parsed.chunk[row]), int(parsed.line[row]), *fault
                )
                for (row, fault), row_id, has_id in zip(
                    sorted(faults.items()), ids, named, strict=True
                )
            ],
            given_splits=None if given is None else given[usable],
            remarks=_take_remarks(self._find_remarks(raw), np.flatnonzero(usable)),
        )

    def _to_fields(self, raw: Parsed) -> Parsed:
        """Makes golden fields of the columns; a fault for each row that `where` filters out."""
        columns = {n: raw.columns[n] for n in (ID, GROUP, SPLIT) if n in raw.columns}
        faults = dict(raw.faults)
        for name, rule in self.fields.items():
            if name == MESSAGES:
                columns[name] = raw.columns[name]
                continue
            read = [raw.columns[column_of(name, i)] for i in range(len(rule.paths))]
            columns[name] = apply_rule(rule, read, len(raw.chunk))
            if rule.type not in (None, "text"):
                columns[name], wrong = to_type(columns[name], rule.type)
                for row, detail in wrong:
                    faults.setdefault(row, (Reason.WRONG_TYPE, f"'{name}' {detail}"))
        for path, allowed in self.where.items():
            column = raw.columns[f"{WHERE}{path}"]
            passes = to_flags(pc.is_in(column, texts(allowed)))
            for row in np.flatnonzero(~passes).tolist():
                # A row that is filtered out may have other faults.
                detail = f"'{path}' is not {' or '.join(map(repr, allowed))}"
                faults[row] = (Reason.FILTERED, detail)
        return Parsed(columns, raw.chunk, raw.line, faults)

    def _given_splits(
        self, parsed: Parsed, split: str | None, faults: dict[int, tuple[str, str]]
    ) -> npt.NDArray[np.int8] | None:
        """int8[rows]: the split of each row, by its column or else that of its source.

        Adds a fault for each row whose column names no split.
        """
        index = NOT_GIVEN if split is None else self.splits.index(split)
        if SPLIT not in parsed.columns:
            every = len(parsed.chunk)
            return None if index == NOT_GIVEN else np.full(every, index, np.int8)
        named = parsed.columns[SPLIT].dictionary_encode()
        names = named.dictionary.to_pylist()
        meant = [self._split_index(name) if name.strip() else index for name in names]
        place = to_numbers(pc.fill_null(named.indices, len(names)))
        given: npt.NDArray[np.int8] = np.array([*meant, index], np.int8)[place]
        for row in np.flatnonzero(given == _UNKNOWN).tolist():
            detail = (
                f"'{self.split_path}' is '{names[place[row]]}', which is no split; "
                f"there are: {', '.join(self.splits)}"
            )
            faults.setdefault(row, (Reason.UNKNOWN_SPLIT, detail))
        return given

    def _split_index(self, name: str) -> int:
        split = find_split(name, self.splits)
        return self.splits.index(split) if split in self.splits else _UNKNOWN

    def _find_remarks(self, raw: Parsed) -> dict[int, tuple[Remark, ...]]:
        """The remarks about each row, also about rows that have a fault."""
        found: dict[int, tuple[Remark, ...]] = dict(raw.repairs)
        if ID in raw.columns:
            ids = raw.columns[ID]
            empty = to_flags(pc.fill_null(pc.equal(ids, text("")), flag(False)))
            missing = to_flags(ids.is_null()) if "id" in self.required else np.False_
            for row in np.flatnonzero(empty | missing).tolist():
                what = "empty" if empty[row] else "missing"
                remark = (Status.FLAGGED, Reason.EMPTY_ID, f"the id is {what}")
                found[row] = (*found.get(row, ()), remark)
        details: dict[int, list[str]] = {}
        for name, rule in self.fields.items():
            # A spec that declares the type knows that the value is no text.
            for i in range(len(rule.paths) if rule.type is None else 0):
                for row, kind in raw.as_text.get(column_of(name, i), {}).items():
                    details.setdefault(row, []).append(f"'{name}' is {kind}")
        for row, parts in details.items():
            remark = (Status.FLAGGED, Reason.READ_AS_TEXT, "; ".join(parts))
            found[row] = (*found.get(row, ()), remark)
        return found


def _take_remarks(
    remarks: Mapping[int, tuple[Remark, ...]], rows: npt.NDArray[np.int64]
) -> dict[int, tuple[Remark, ...]]:
    """The remarks about the rows at these places."""
    if not remarks:
        return {}
    return {at: remarks[row] for at, row in enumerate(rows.tolist()) if row in remarks}


def _heads(paths: Iterable[str]) -> set[str]:
    """The columns that the paths start at."""
    return {str(parse_path(path)[0]) for path in paths}


def _column_names(rows: Sequence[Mapping[str, Any]]) -> KeysView[str]:
    """The columns of the rows, each once, in order."""
    return dict.fromkeys(name for row in rows for name in row).keys()
