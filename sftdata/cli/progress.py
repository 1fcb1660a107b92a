"""The progress of a build on stderr: a bar on a terminal, otherwise a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sftdata.cli.output import console, print_note

if TYPE_CHECKING:
    from sftdata.base.reporting import Progress

_SHOW_BAR_AFTER = 1.0  # seconds
_SECONDS_PER_LINE = 10.0


@contextmanager
def show_progress(started: float) -> Iterator[Progress]:
    """Shows the rows done, and how many a second, of a build that started at this time."""
    screen = console(stderr=True) if sys.stderr.isatty() else None  # rich takes time to import
    if screen is None or not screen.is_terminal:
        yield _print_lines(started)
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(BarColumn(), TextColumn("{task.description}"), console=screen, transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)

        def show(rows: int) -> None:
            seconds = time.monotonic() - started
            if seconds > _SHOW_BAR_AFTER:
                bar.update(task, description=_rate(rows, seconds), visible=True)

        yield show


def _print_lines(started: float) -> Progress:
    next_line = started + _SECONDS_PER_LINE

    def show(rows: int) -> None:
        nonlocal next_line
        now = time.monotonic()
        if now > next_line:
            next_line = now + _SECONDS_PER_LINE
            print_note(_rate(rows, now - started))

    return show


def _rate(rows: int, seconds: float) -> str:
    return f"{rows:,} rows, {rows / seconds:,.0f} a second"
