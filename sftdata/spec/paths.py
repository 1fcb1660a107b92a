"""Field paths such as `answers.text[0]`: how they are written, and the value they lead to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sftdata.errors import SpecError

_STEP = re.compile(r'"([^"]+)"(?![^.\[])|([^.\[\]]+)|\[(-?\d*)\]')
_PLAIN = re.compile(r'[^".\[\]][^.\[\]]*')  # a name that needs no quotation marks


class Each:
    """The step `[]`: one row for each item of the list."""

    def __repr__(self) -> str:
        return "[]"


EACH = Each()
Path = tuple[str | int | Each, ...]


class Missing:
    """The value of a path that leads nowhere; None stands for JSON's null."""


MISSING = Missing()


def parse_path(text: str) -> Path:
    """The steps of a path: names, indices into lists, and `EACH`.

    A name with dots or brackets of its own stands in quotation marks: `"answers.text"[0]`.
    Raises `SpecError` when `text` is not names joined by dots, each with indices in brackets.
    """
    steps: list[str | int | Each] = []
    position = 0
    while position < len(text):
        if steps and text[position] == ".":
            position += 1
        match = _STEP.match(text, position)
        name = None if match is None else match[1] or match[2]
        if match is None or (name is None and (not steps or match[3] == "-")):
            raise SpecError(
                f"'{text}' is not a field path (at character {position + 1}).",
                "Write names joined by dots and indices in brackets, such as answers.text[0].",
            )
        if name is not None:
            steps.append(name)
        else:
            steps.append(int(match[3]) if match[3] else EACH)
        position = match.end()
    if not steps:
        raise SpecError("A field path is empty.")
    if steps.count(EACH) > 1:
        raise SpecError(f"'{text}' goes through more than one list.", "Write [] once in a path.")
    return tuple(steps)


def path_of(name: str) -> str:
    """The path of one step: the name, in quotation marks where it has dots or brackets."""
    return name if _PLAIN.fullmatch(name) else f'"{name}"'


def check_paths(paths: Iterable[str]) -> None:
    """Raises `ValueError`, as pydantic expects, for a text that is not a path."""
    for path in paths:
        try:
            parse_path(path)
        except SpecError as error:
            raise ValueError(str(error)) from error


def follow(value: Any, path: Path) -> Any:
    """The value at the end of `path`, or `MISSING`."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value


def expand_paths(row: Any, paths: list[Path]) -> Iterator[tuple[int, list[Path]]]:
    """For each item of the list at `[]`: its number, and the paths with the number for `[]`.

    Paths without `[]` stay the same. The longest list decides how many items there are. A row
    without the list, or with an empty one, gives one item, whose paths lead nowhere.
    """
    lengths = []
    for path in paths:
        if EACH in path:
            items = follow(row, path[: path.index(EACH)])
            lengths.append(len(items) if isinstance(items, list) else 0)
    for number in range(max([*lengths, 1])):
        yield number, [tuple(number if s is EACH else s for s in path) for path in paths]
