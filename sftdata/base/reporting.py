"""Callbacks of a long task: its messages and its progress."""

from __future__ import annotations

from collections.abc import Callable

from sftdata.base.keywords import describe_keywords

# Takes the number of source rows done so far, and their share of all bytes (None: not known).
Progress = Callable[[int, float | None], None]
Report = Callable[[str], None]  # takes a line for a person to read


def log(line: str) -> None:
    """Hands the line to the logger `sftdata`; unless it is set up, it prints on stderr."""
    from logging import getLogger  # loads slowly

    note = describe_keywords(line)
    getLogger("sftdata").warning("%s", f"{line}\n{note}" if note else line)
