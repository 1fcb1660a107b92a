"""Columns of the sources that nothing reads, and the note that names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sftdata.base.wording import list_names

# Columns of conversations: a model that should see them does not.
_PARTS_OF_CONVERSATIONS = ("messages", "conversations", "tools", "system", "history")
_SPLIT = "split"
_SHOWN_COLUMNS = 12
_SHOWN_SOURCES = 3
_SHOWN_LINES = 5


def merge_unread(
    parts: Iterable[tuple[Iterable[str], Mapping[str, Sequence[str]]]],
) -> dict[str, list[str]]:
    """The columns that no part of a mixture reads; `parts`: source names and `unread`."""
    merged: dict[str, list[str]] = {}
    for names, unread in parts:
        for name in names:
            columns = list(unread.get(name, ()))
            before = merged.get(name, columns)
            merged[name] = [column for column in before if column in columns]
    return {name: columns for name, columns in merged.items() if columns}


def describe_unread(unread: Mapping[str, Sequence[str]]) -> str | None:
    """One note about all unread columns, by the name of their source; None if there are none."""
    by_columns: dict[tuple[str, ...], list[str]] = {}
    for name, columns in unread.items():
        by_columns.setdefault(tuple(columns), []).append(name)
    groups = [(columns, names) for columns, names in by_columns.items() if columns]
    if not groups:
        return None
    lines = [
        f"Not read from {list_names(names, _SHOWN_SOURCES)}: {list_names(columns, _SHOWN_COLUMNS)}."
        for columns, names in groups[:_SHOWN_LINES]
    ]
    if left := groups[_SHOWN_LINES:]:
        sources = sum(len(names) for _, names in left)
        lines.append(f"Of {sources:,} more sources, too, columns are not read; see manifest.json.")
    unseen = [
        f"`{name}`"
        for name in _PARTS_OF_CONVERSATIONS
        if any(name in columns for columns, _ in groups)
    ]
    if unseen:
        lines.append(f"Warning: the model will not see {' and '.join(unseen)}.")
    splits = [name for columns, _ in groups for name in columns if name.lower() == _SPLIT]
    if splits:
        lines.append(f"To keep the splits that '{splits[0]}' names: --split-column {splits[0]}")
    return "\n".join(lines)
