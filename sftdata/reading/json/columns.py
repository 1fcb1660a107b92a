"""Rows out of a JSON object that holds columns, as pandas and others write them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sftdata.base.escaping import escape
from sftdata.errors import GoldenSetError
from sftdata.reading.json.objects import unique_object
from sftdata.reading.json.outline import Member

_LINES = 1024  # at a time
_MAX_BYTES = 1024 * 1024 * 1024
_SPLIT_KEYS = {"columns", "index", "data"}  # pandas' orient="split"


def is_table(members: Sequence[Member], row_lists: int, first_key: str) -> bool:
    """Whether an object with these members holds columns, or rows by number.

    `row_lists`: how many of its lists hold objects or lists. `first_key`: of its first member, if
    that is an object.
    """
    keys = {member.key for member in members}
    if keys == _SPLIT_KEYS:
        return True
    if len({member.items for member in members}) != 1:
        return False
    if all(member.kind == "list" for member in members):
        return len(members) > row_lists
    if all(member.kind == "object" for member in members):
        return first_key.isdecimal() or all(key.isdecimal() for key in keys)
    return False


def rows_of_columns(name: str, stream: Any) -> Iterator[bytes]:
    """The rows of columns of equal length, as lines. Reads the whole stream.

    Raises `GoldenSetError` for columns that differ in length or repeat a name.
    """
    text = stream.read(_MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise GoldenSetError(
            f"{name}: a file of columns has more than {_MAX_BYTES // 2**20:,} MiB, which must be "
            "read at once.",
            'Write a row a line: df.to_json(path, orient="records", lines=True).',
        )
    try:
        table = json.loads(text, object_pairs_hook=unique_object)
    except (ValueError, RecursionError) as error:
        raise GoldenSetError(
            f"{name}: the columns are not JSON: {escape(str(error))}", "Write the file again."
        ) from error
    lines: list[str] = []
    for row in _rows(name, table):
        lines.append(json.dumps(row))
        if len(lines) == _LINES:
            yield "\n".join([*lines, ""]).encode()
            lines = []
    yield "\n".join([*lines, ""]).encode()


def _rows(name: str, table: Mapping[str, Any]) -> Iterator[Any]:
    if table.keys() == _SPLIT_KEYS:
        yield from _split_rows(name, table["columns"], table["data"])
        return
    columns = list(table.values())
    if all(isinstance(column, list) for column in columns):
        _check_lengths(name, table)
        yield from (dict(zip(table, cells, strict=True)) for cells in zip(*columns, strict=True))
    elif all(key.isdecimal() for key in table):
        yield from columns
    else:
        _check_lengths(name, table)
        for key in columns[0]:
            yield {label: _cell(name, label, column, key) for label, column in table.items()}


def _split_rows(name: str, given: Any, rows: Any) -> Iterator[dict[str, Any]]:
    """The rows of pandas' orient="split"."""
    has_names = isinstance(given, list) and all(type(label) in (str, int) for label in given)
    if not has_names or not isinstance(rows, list):
        raise GoldenSetError(
            f"{name}: 'columns' must be a list of names, and 'data' a list of rows.",
            'Write a row a line: df.to_json(path, orient="records", lines=True).',
        )
    names = [str(label) for label in given]
    if len(set(names)) < len(names):
        repeated, _ = Counter(names).most_common(1)[0]
        raise GoldenSetError(
            f"{name}: two columns have the name '{escape(repeated)}'.", "Rename one of them."
        )
    for number, cells in enumerate(rows, 1):
        if not isinstance(cells, list) or len(cells) != len(names):
            raise GoldenSetError(
                f"{name}: row {number:,} of 'data' is not a list of {len(names)} values, one for "
                "each column.",
                "Every row must have one value for each column.",
            )
        yield dict(zip(names, cells, strict=True))


def _cell(name: str, label: str, column: Mapping[str, Any], key: str) -> Any:
    """The value of a row, by its key in a column."""
    if key not in column:
        raise GoldenSetError(
            f"{name}: the column '{escape(label)}' has no row '{escape(key)}', which others have.",
            "Every column must have one value for each row.",
        )
    return column[key]


def _check_lengths(name: str, table: Mapping[str, Any]) -> None:
    lengths = {label: len(column) for label, column in table.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"'{escape(label)}' {length:,}" for label, length in lengths.items())
        raise GoldenSetError(
            f"{name}: the columns differ in length: {shown}.",
            "Every column must have one value for each row.",
        )
