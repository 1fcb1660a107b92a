"""Callbacks of a long task: its messages and its progress."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int], None]  # takes the number of source rows done so far
Report = Callable[[str], None]  # takes a line for a person to read
