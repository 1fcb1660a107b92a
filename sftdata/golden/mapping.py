"""Field paths: where in a source row a golden field is found, such as `answers.text[0]`."""

from __future__ import annotations

import re
from typing import Any

from sftdata.errors import SpecError

_STEP = re.compile(r"([^.\[\]]+)|\[(-?\d+)\]")

Path = tuple[str | int, ...]


class Missing:
    """Stands for a value the row does not have, which None (JSON null) is not."""


MISSING = Missing()


def parse_path(text: str) -> Path:
    """The steps of a path: names to look up, and indices into lists.

    Raises `SpecError` when `text` is not names joined by dots, each with indices in brackets.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        if steps and text[position] == ".":
            position += 1
        match = _STEP.match(text, position)
        if match is None or (match[1] is None and not steps):
            raise SpecError(
                f"'{text}' is not a field path (at character {position + 1}).",
                "Write names joined by dots and indices in brackets, such as answers.text[0].",
            )
        steps.append(match[1] if match[1] is not None else int(match[2]))
        position = match.end()
    if not steps:
        raise SpecError("A field path is empty.")
    return tuple(steps)


def follow(value: Any, path: Path) -> Any:
    """The value at the end of `path`, or `MISSING` where a step leads nowhere."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value
