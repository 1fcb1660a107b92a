"""Collect golden rows from rows that Python parsed: the values at the paths of the spec, as text.

`parsing` does the same in native code for rows whose values need no look one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from sftdata.base.arrow import optional_texts
from sftdata.base.reasons import Reason
from sftdata.errors import GoldenSetError
from sftdata.reading.conversations.read import ConversationReader, ReadConversation
from sftdata.reading.conversations.repairs import Repair
from sftdata.reading.json.objects import JsonObject
from sftdata.reading.kinds import kind_of
from sftdata.reading.scalars import is_missing, to_label, to_text
from sftdata.reading.sources.resolve import Source
from sftdata.spec.fields import MESSAGES
from sftdata.spec.paths import EACH, MISSING, Path, expand_paths, follow, parse_path

# Columns that are not golden fields. No field can have such a name.
ID, GROUP, SPLIT, WHERE = "\0id", "\0group", "\0split", "\0where:"
LABELS = (ID, GROUP, SPLIT)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Every row of some chunks, usable or not; nulls where a row has no value."""

    columns: dict[str, pa.LargeStringArray]
    chunk: npt.NDArray[np.int32]
    line: npt.NDArray[np.int64]
    faults: dict[int, tuple[str, str]]  # row → reason, detail
    repairs: dict[int, tuple[Repair, ...]] = field(default_factory=dict)  # of conversations, by row
    # By column and row, the kind of a value that the source does not hold as text. Empty for
    # tables, whose types are known before a row is read.
    as_text: dict[str, dict[int, str]] = field(default_factory=dict)


def is_label(name: str) -> bool:
    """Whether the column is only compared, never shown to a model. It may hold numbers."""
    return name in LABELS or name.startswith(WHERE)


@dataclass(frozen=True, slots=True)
class _GoldenRow:
    texts: dict[str, str | None]  # by column
    fault: tuple[str, str] | None
    repairs: tuple[Repair, ...]
    as_text: Mapping[str, str]  # column → kind of a value that is no text


def collect(
    rows: Sequence[Mapping[str, Any]],
    position: Sequence[int],
    lines: Sequence[int],
    columns: Mapping[str, str],
    source: Source,
    conversations: ConversationReader,
    *,
    null_filled: bool = False,
) -> Parsed:
    """The values at the paths of `columns`, by name, of every golden row of parsed rows.

    A source row is several golden rows where a path goes through a list, and where conversations
    are unrolled. With `null_filled` the rows are those of a table, which has every key in each.
    """
    paths = [parse_path(path) for path in columns.values()]
    splitter = _RowSplitter(list(columns), paths, conversations, null_filled)
    found: dict[str, list[str | None]] = {name: [] for name in splitter.columns}
    places: list[tuple[int, int]] = []  # chunk and line of each golden row
    faults: dict[int, tuple[str, str]] = {}
    repairs: dict[int, tuple[Repair, ...]] = {}
    deep = [path for path in paths if len(path) > 1]
    as_text: dict[str, dict[int, str]] = {}
    for row, at, line in zip(rows, position, lines, strict=True):
        for path in paths if getattr(row, "repeated", None) else deep:
            _check_repeated(row, path, f"{source.name}:{line}")
        for golden in splitter.split(row):
            if golden.fault is not None:
                faults[len(places)] = golden.fault
            if golden.repairs:
                repairs[len(places)] = golden.repairs
            for name, kind in golden.as_text.items() if not null_filled else ():
                as_text.setdefault(name, {})[len(places)] = kind
            for name, values in found.items():
                values.append(golden.texts[name])
            places.append((at, line))
    return Parsed(
        {name: optional_texts(values) for name, values in found.items()},
        np.array([at for at, _ in places], np.int32),
        np.array([line for _, line in places], np.int64),
        faults,
        repairs,
        as_text,
    )


class _RowSplitter:
    """Makes the golden rows of source rows."""

    def __init__(
        self,
        names: Sequence[str],
        paths: list[Path],
        conversations: ConversationReader,
        null_filled: bool,
    ) -> None:
        self._names, self._paths = names, paths
        self._conversations, self._null_filled = conversations, null_filled
        self._has_lists = any(EACH in path for path in paths)
        # The keys of paths that have no other step.
        self._keys = [
            path[0] if len(path) == 1 and isinstance(path[0], str) else None for path in paths
        ]
        has_messages = MESSAGES in names
        # Of a conversation every field becomes a part, and its alternatives, too.
        self._parts = [
            name.partition("\0")[0] if has_messages and not is_label(name) else None
            for name in names
        ]
        self._splits = self._has_lists or (has_messages and conversations.unroll)
        shown = [name for name, part in zip(names, self._parts, strict=True) if part is None]
        added = [MESSAGES] * has_messages + [GROUP] * self._splits
        self.columns = list(dict.fromkeys(shown + added))

    def split(self, row: Mapping[str, Any]) -> Iterator[_GoldenRow]:
        """The golden rows of a source row, all of one group."""
        family = _family(row) if self._splits else None
        items = expand_paths(row, self._paths) if self._has_lists else ((None, self._paths),)
        for number, paths in items:
            texts: dict[str, str | None] = {GROUP: None}
            fault: tuple[str, str] | None = None
            talk: dict[str, list[Any]] = {}
            as_text: dict[str, str] = {}
            for name, path, key, part in zip(
                self._names, paths, self._keys, self._parts, strict=True
            ):
                value = follow(row, path) if key is None else row.get(key, MISSING)
                if part is not None:
                    if value is not None and value is not MISSING:
                        talk.setdefault(part, []).append(value)
                    continue
                texts[name], wrong = _as_text(name, value)
                fault = fault or wrong
                if not isinstance(value, str) and texts[name] and not is_label(name):
                    as_text[name] = kind_of(value)
            texts[GROUP] = family if texts[GROUP] is None else texts[GROUP]
            for read in self._read(talk):
                own = texts | {MESSAGES: read.text}
                if row_id := own.get(ID):
                    numbers = [n for n in (number, read.turn) if n is not None]
                    own[ID] = "#".join((row_id, *map(str, numbers)))
                yield _GoldenRow(own, fault or read.fault, read.repairs, as_text)

    def _read(self, talk: Mapping[str, Sequence[Any]]) -> Sequence[ReadConversation]:
        if not talk:
            return (ReadConversation(),)
        return self._conversations.read(talk, null_filled=self._null_filled)


def _family(row: Mapping[str, Any]) -> str:
    return xxhash.xxh3_128_hexdigest(repr(row).encode("utf-8", "replace"))


def _check_repeated(row: Any, path: Path, where: str) -> None:
    for step in path:
        if isinstance(row, JsonObject) and step in row.repeated:
            raise GoldenSetError(
                f"{where}: the key '{step}' stands in the object more than once.",
                "Remove one of them; which one is meant cannot be known.",
            )
        row = follow(row, (step,))


def _as_text(name: str, value: Any) -> tuple[str | None, tuple[str, str] | None]:
    if isinstance(value, type(MISSING)) or is_missing(value):
        return None, None
    text = to_label(value) if name in LABELS else to_text(value)
    shown = name.partition("\0")[0] or name.strip("\0")
    if text is None:
        return "", (Reason.WRONG_TYPE, f"'{shown}' is {kind_of(value)}, not text")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        detail = f"'{shown}' holds a lone surrogate (U+{code:04X})"
        return text.encode("utf-8", "replace").decode("utf-8"), (Reason.LONE_SURROGATE, detail)
    return text, None
