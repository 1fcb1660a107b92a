"""Requests of a spec that no row meets: values of `where`, prefixes, and columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import flags, texts, to_flags
from sftdata.base.escaping import escape
from sftdata.base.wording import list_names
from sftdata.errors import did_you_mean
from sftdata.reading.chunks import Chunk
from sftdata.reading.collect import ID, WHERE
from sftdata.reading.parsing import parse_chunks
from sftdata.reading.row_reader import read_source, row_reader
from sftdata.reading.rules import column_of
from sftdata.reading.sources.resolve import Source
from sftdata.spec.fields import ID as ID_FIELD
from sftdata.spec.fields import FieldRule
from sftdata.spec.model import Spec

_CHUNKS_AT_ONCE = 8
_SEEN = 12  # values of a column to choose the one from that may be meant


def find_unmet(spec: Spec, sources: tuple[Source, ...]) -> list[str]:
    """A note for each value, prefix and optional path that fits no row.

    Reads on until each is found: mostly only the first chunks of the first source.
    Raises `GoldenSetError` as a build does.
    """
    search = _Search.of(spec)
    reader = row_reader(spec, sources)
    for index, source in enumerate(sources):
        if not search.columns:
            break
        for chunks in read_source(reader, index):
            for at in range(0, len(chunks), _CHUNKS_AT_ONCE):
                search.look(chunks[at : at + _CHUNKS_AT_ONCE], source)
            if not search.columns:
                break
    return [*search.notes()]


@dataclass
class _Search:
    """The requests that no row has met yet."""

    where: dict[str, list[str]]  # path → values
    allowed: dict[str, tuple[str, ...]]  # path → all values of `where`
    prefixes: dict[str, list[str]]  # field → prefixes
    absent: dict[str, tuple[str, ...]]  # optional field → its paths
    rules: dict[str, FieldRule]
    seen: dict[str, dict[str, None]] = field(default_factory=dict)  # path → values that rows have

    @classmethod
    def of(cls, spec: Spec) -> _Search:
        rules = spec.rules
        return cls(
            where={path: list(values) for path, values in spec.where.items()},
            allowed=dict(spec.where),
            prefixes={n: list(r.strip_prefix) for n, r in rules.items() if r.strip_prefix},
            absent=spec.renamed,
            rules=rules,
        )

    @property
    def columns(self) -> dict[str, str]:
        """The path of each value to look at, by the name of its column; empty at the end."""
        if not (any(self.where.values()) or any(self.prefixes.values()) or self.absent):
            return {}
        found = {f"{WHERE}{path}": path for path in self.allowed}
        for name in {**self.prefixes, **self.absent}:
            for i, path in enumerate(self.rules[name].paths):
                found[_column(name, i)] = path
        return found

    def look(self, chunks: Sequence[Chunk], source: Source) -> None:
        """Removes the requests that these rows meet."""
        columns = self.columns
        if not columns:
            return
        parsed = parse_chunks(chunks, columns, source).columns
        passes = np.ones(len(next(iter(parsed.values()))), np.bool_)
        for path, allowed in self.allowed.items():
            column = parsed[f"{WHERE}{path}"]
            passes &= to_flags(pc.is_in(column, texts(allowed)))
            values = pc.unique(column).drop_null().to_pylist()
            self.where[path] = [value for value in self.where[path] if value not in values]
            seen = self.seen.setdefault(path, {})
            seen |= dict.fromkeys(values[: max(0, _SEEN - len(seen))])
        if not passes.any():
            return
        kept = {name: column.filter(flags(passes)) for name, column in parsed.items()}
        for name, prefixes in self.prefixes.items():
            read = self._read(name, kept)
            self.prefixes[name] = [
                prefix
                for prefix in prefixes
                if not any(pc.any(pc.starts_with(column, prefix)).as_py() for column in read)
            ]
        for name in [*self.absent]:
            if any(column.null_count < len(column) for column in self._read(name, kept)):
                del self.absent[name]

    def _read(self, name: str, columns: dict[str, pa.Array]) -> list[pa.Array]:
        return [columns[_column(name, i)] for i in range(len(self.rules[name].paths))]

    def notes(self) -> Iterator[str]:
        """The requests that no row has met."""
        for path, values in self.where.items():
            for value in values:
                meant = did_you_mean(value, self.seen.get(path, {}))
                yield escape(f"where: no row has '{value}' in '{path}'. {meant}")
        for name, prefixes in self.prefixes.items():
            if prefixes:
                shown = list_names(prefixes, _SEEN, quote="'")
                yield f"strip_prefix: no row has a '{escape(name)}' that starts with {shown}."
        for name, paths in self.absent.items():
            shown = " or ".join(f"'{path}'" for path in paths)
            yield escape(f"No row has a value in {shown}, from which '{name}' is read.")


def _column(name: str, alternative: int) -> str:
    return ID if name == ID_FIELD else column_of(name, alternative)
