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
    """Shows the rows done, the share and the time left of a build that began at `started`."""
    screen = console(stderr=True) if sys.stderr.isatty() else None  # rich takes time to import
    if screen is None or not screen.is_terminal:
        yield _print_lines(started)
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(BarColumn(), TextColumn("{task.description}"), console=screen, transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)

        def show(rows: int, share: float | None) -> None:
            seconds = time.monotonic() - started
            if seconds > _SHOW_BAR_AFTER:
                total = None if share is None else 1.0
                text = _describe(rows, share, seconds)
                bar.update(task, description=text, total=total, completed=share, visible=True)

        yield show


def _print_lines(started: float) -> Progress:
    next_line = started + _SECONDS_PER_LINE

    def show(rows: int, share: float | None) -> None:
        nonlocal next_line
        now = time.monotonic()
        if now > next_line:
            next_line = now + _SECONDS_PER_LINE
            print_note(_describe(rows, share, now - started))

    return show


def _describe(rows: int, share: float | None, seconds: float) -> str:
    text = f"{rows:,} rows, {rows / seconds:,.0f} a second"
    if not share:
        return text
    left = round(seconds / share - seconds)
    about = round(rows / share)
    return (
        f"{share:.0%} of about {about:,} rows, {rows / seconds:,.0f} a second, {_time(left)} left"
    )


def _time(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
