"""Check that the columns a spec reads are in a source, and suggest the mapping that fits."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftdata.base.escaping import escape
from sftdata.errors import GoldenSetError, did_you_mean
from sftdata.spec.paths import Path, parse_path, path_of

# Names that people give to the columns of a field; the likeliest first.
_OTHER_NAMES = {
    "article": ("text", "document", "body", "content", "story", "dialogue", "passage", "source"),
    "summary": ("highlights", "abstract", "tldr", "summaries", "target", "output"),
    "context": ("passage", "paragraph", "document", "article", "background"),
    "question": ("query", "prompt", "instruction"),
    "answer": ("answers", "response", "output", "completion", "label", "target"),
    "source": ("src", "source_text", "input", "text"),
    "translation": ("tgt", "target", "target_text", "output"),
    "source_lang": ("src_lang", "source_language", "lang_from"),
    "target_lang": ("tgt_lang", "target_language", "lang_to"),
    "text": ("sentence", "input", "source", "src", "original", "content"),
    "corrected": ("correction", "corrections", "target", "tgt", "output"),
    "rewritten": ("output", "rewrite", "response", "target", "tgt"),
    "instruction": ("prompt", "task", "command", "question"),
    "messages": ("conversations", "conversation", "turns", "dialog"),
    "id": ("_id", "uid", "uuid", "row_id", "key", "index"),
}
_OTHER_KIND = "Rows of another kind are built on their own, or mixed: a spec with [[sources]]."
_SECOND_FIELD = re.compile(r",\s*\w+=")  # in a path: several fields in one --map
_NEAR = 0.7  # of difflib's ratio: a slip of the pen


@dataclass(frozen=True, slots=True)
class ReadPath:
    """A path that a spec reads, and what for: `--map NAME=PATH`, or a key of the spec."""

    name: str
    path: str
    is_key: bool = False  # of the spec itself, such as `group`

    @property
    def column(self) -> str:
        """The column that the path starts with."""
        return str(parse_path(self.path)[0])


def check_columns(
    source: str,
    columns: Sequence[str],
    read: Mapping[str, Sequence[ReadPath]],
    *,
    is_first: bool = True,
) -> None:
    """Checks that of each entry of `read` at least one path starts with a column of the source.

    `is_first`: no source before this one has these columns.
    Raises `GoldenSetError` with all that are missing and the mapping that is most likely meant.
    """
    missing = [paths for paths in read.values() if paths and not _has_any(columns, paths)]
    if not missing:
        return
    used = {path.column for paths in read.values() for path in paths}
    free = [column for column in columns if column not in used]
    first = [paths[0] for paths in missing]
    ways_out = list(_ways_out(first, suggest(first, free)))
    if not is_first:
        ways_out.append(_OTHER_KIND)
    raise GoldenSetError(
        f"{_join([_describe(paths) for paths in missing])}; {source} has: "
        f"{', '.join(map(escape, sorted(columns))) or 'no column'}.",
        "\n".join(ways_out),
        code="E205",
    )


def check_keys(source: str, rows: Sequence[Mapping[str, Any]], read: Iterable[ReadPath]) -> None:
    """Checks that each path finds its keys in some of the first rows of a source.

    For what has no fault of its own in a row that lacks it, such as a group.
    Raises `GoldenSetError` that names the object and its keys.
    """
    for path in read:
        found = _find_missing_key(rows, parse_path(path.path))
        if found is not None:
            place, key, keys = found
            raise GoldenSetError(
                f"{_describe([path])}; '{escape(place)}' of {source} has: "
                f"{', '.join(map(escape, sorted(keys))) or 'no key'}.",
                escape(did_you_mean(key, keys)),
                code="E205",
            )


def _find_missing_key(
    rows: Sequence[Mapping[str, Any]], path: Path
) -> tuple[str, str, set[str]] | None:
    """The place of objects that all lack the next key of the path, the key, and those they have."""
    held: list[Any] = list(rows)
    place = ""
    for step in path:
        if isinstance(step, str):
            objects = [value for value in held if isinstance(value, Mapping)]
            if place and objects and not any(step in value for value in objects):
                return place, step, set[str]().union(*objects)
            held = [value[step] for value in objects if step in value]
            place = f"{place}.{step}" if place else step
        else:
            lists = [value for value in held if isinstance(value, list)]
            held = [item for value in lists for item in value]
            place += "[]"
    return None


def _has_any(columns: Collection[str], paths: Sequence[ReadPath]) -> bool:
    return any(path.column in columns for path in paths)


def _describe(paths: Sequence[ReadPath]) -> str:
    name, read = escape(paths[0].name), " or ".join(repr(escape(path.path)) for path in paths)
    return f"{name} names {read}" if paths[0].is_key else f"The field '{name}' is read from {read}"


def _join(parts: Sequence[str]) -> str:
    """Several descriptions as one sentence."""
    lowered = [part.replace("The field", "the field", 1) for part in parts[1:]]
    return ", ".join([*parts[:1], *lowered[:-1]]) + (f" and {lowered[-1]}" if lowered else "")


def _ways_out(missing: Sequence[ReadPath], suggested: Mapping[str, str]) -> Iterator[str]:
    fields = [path for path in missing if not path.is_key]
    if fields:
        maps = (map_option(path.name, suggested.get(path.name, "COLUMN")) for path in fields)
        it = "it" if len(fields) == 1 else "them"
        if any(_SECOND_FIELD.search(path.path) for path in fields):
            yield "Each field has a --map of its own: --map FIELD=COLUMN --map FIELD=COLUMN"
        else:
            yield f"Map {it}, for example: {escape(' '.join(maps))}"
    if len(fields) < len(missing):
        keys = dict.fromkeys(path.name for path in missing if path.is_key)
        yield f"Give {' and '.join(keys)} one of these columns."
    if suggested:
        paths = map(path_of, suggested.values())
        yield " ".join(f"Did you mean '{escape(path)}'?" for path in paths)
    if any(path.name == "id" for path in fields):
        yield "Without ids the rows are named by their content: --map id=none"


def map_option(field: str, column: str) -> str:
    """The option that reads a field from a column, as a shell takes it."""
    value = f"{field}={path_of(column)}"
    return f"--map '{value}'" if path_of(column) != column else f"--map {value}"


def suggest_usual(missing: Sequence[ReadPath], columns: Sequence[str]) -> dict[str, str]:
    """The columns that `suggest` is sure of: they have the same or a usual name."""
    found: dict[str, str] = {}
    for is_meant in (_is_same, _is_usual):
        for path in missing:
            left = [column for column in columns if column not in found.values()]
            if path.name not in found and (column := is_meant(path, left)):
                found[path.name] = column
    return found


def suggest(missing: Sequence[ReadPath], columns: Sequence[str]) -> dict[str, str]:
    """The column that each missing name most likely means; each column at most once.

    The surest come first: the same letters, a usual name, a part of the name, a slip of the pen.
    Where one name and one column are left, they belong together.
    """
    found: dict[str, str] = {}
    for is_meant in (_is_same, _is_usual, _is_part, _is_near):
        for path in missing:
            left = [column for column in columns if column not in found.values()]
            if path.name not in found and (column := is_meant(path, left)):
                found[path.name] = column
    # Keys such as `group` are no fields, whose names the rows have in other words.
    names = [p.name for p in missing if p.name not in found and p.name != "id" and not p.is_key]
    left = [column for column in columns if column not in found.values()]
    if len(names) == len(left) == 1:
        found[names[0]] = left[0]
    return {path.name: found[path.name] for path in missing if path.name in found}


def _is_same(path: ReadPath, columns: Sequence[str]) -> str | None:
    letters = {_letters(column): column for column in reversed(columns)}
    return letters.get(_letters(path.column)) or letters.get(_letters(path.name))


def _is_usual(path: ReadPath, columns: Sequence[str]) -> str | None:
    letters = {_letters(column): column for column in reversed(columns)}
    usual = _OTHER_NAMES.get(path.name, ())
    return next((letters[name] for name in map(_letters, usual) if name in letters), None)


def _is_part(path: ReadPath, columns: Sequence[str]) -> str | None:
    def is_part(short: str, long: str) -> bool:
        return len(short) > 2 and short in long

    name = _letters(path.name)
    return next(
        (c for c in columns if is_part(name, _letters(c)) or is_part(_letters(c), name)), None
    )


def _is_near(path: ReadPath, columns: Sequence[str]) -> str | None:
    for name in (path.column, path.name):
        if near := difflib.get_close_matches(name, columns, n=1, cutoff=_NEAR):
            return near[0]
    return None


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
