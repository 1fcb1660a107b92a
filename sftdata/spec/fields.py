"""Field rules: where in a source row a golden field is found, and what is made of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Self

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from sftdata.errors import SpecError
from sftdata.spec.validate import SpecModel

_STEP = re.compile(r"([^.\[\]]+)|\[(-?\d*)\]")


class Each:
    """The step `[]`: one row for each item of the list."""

    def __repr__(self) -> str:
        return "[]"


EACH = Each()
Path = tuple[str | int | Each, ...]


class Missing:
    """Stands for a value the row does not have, which None (JSON null) is not."""


MISSING = Missing()


def parse_path(text: str) -> Path:
    """The steps of a path such as `answers.text[0]`: names, indices into lists, and `[]`.

    Raises `SpecError` when `text` is not names joined by dots, each with indices in brackets.
    """
    steps: list[str | int | Each] = []
    position = 0
    while position < len(text):
        if steps and text[position] == ".":
            position += 1
        match = _STEP.match(text, position)
        if match is None or (match[1] is None and (not steps or match[2] == "-")):
            raise SpecError(
                f"'{text}' is not a field path (at character {position + 1}).",
                "Write names joined by dots and indices in brackets, such as answers.text[0].",
            )
        if match[1] is not None:
            steps.append(match[1])
        else:
            steps.append(int(match[2]) if match[2] else EACH)
        position = match.end()
    if not steps:
        raise SpecError("A field path is empty.")
    if steps.count(EACH) > 1:
        raise SpecError(f"'{text}' goes through more than one list.", "Write [] once in a path.")
    return tuple(steps)


def check_paths(paths: Iterable[str]) -> None:
    """Raises `ValueError` for a path that is none."""
    for path in paths:
        try:
            parse_path(path)
        except SpecError as error:
            raise ValueError(str(error)) from error


def follow(value: Any, path: Path) -> Any:
    """The value at the end of `path`, or `MISSING` where a step leads nowhere."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value


class FieldRule(SpecModel):
    """How one golden field is read. A spec may write the path alone instead of a table."""

    path: str | None = None
    first: tuple[str, ...] = ()  # paths; the first with visible text counts
    value: str | None = None  # a constant
    optional: bool = False  # a row without the value has "" here
    strip_prefix: tuple[str, ...] = ()  # one of them is removed from the front, once

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"path": value}
        if isinstance(value, dict) and isinstance(value.get("strip_prefix"), str):
            return value | {"strip_prefix": (value["strip_prefix"],)}
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum((self.path is not None, bool(self.first), self.value is not None)) != 1:
            raise ValueError("give one of: path, first, value")
        check_paths(self.paths)
        return self

    @model_serializer(mode="wrap")
    def _shorten(self, dump: SerializerFunctionWrapHandler) -> Any:
        used = {n: v for n, v in dump(self).items() if v not in (None, [], False)}
        return used["path"] if used.keys() == {"path"} else used

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path the rule reads, in order of preference."""
        return (self.path,) if self.path is not None else self.first


def expand_paths(row: Any, paths: list[Path]) -> Iterator[tuple[int, list[Path]]]:
    """The number and the paths, `[]` replaced by it, of each item of the list the paths go through.

    Paths without `[]` stay as they are. A row whose list is empty or missing gives one item, which
    the paths then do not find. Lists of different lengths give as many items as the longest has.
    """
    lengths = []
    for path in paths:
        if EACH in path:
            items = follow(row, path[: path.index(EACH)])
            lengths.append(len(items) if isinstance(items, list) else 0)
    for number in range(max([*lengths, 1])):
        yield number, [tuple(number if s is EACH else s for s in path) for path in paths]


# The field whose value is no text but a list of turns; it is read as canonical JSON.
MESSAGES = "messages"
