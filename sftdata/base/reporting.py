"""Callbacks of a long task: its messages and its progress."""

from __future__ import annotations

from collections.abc import Callable

# Takes the number of source rows done so far, and their share of all bytes (None: not known).
Progress = Callable[[int, float | None], None]
Report = Callable[[str], None]  # takes a line for a person to read
