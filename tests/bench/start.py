"""Start: how long a command takes that does nothing."""

from __future__ import annotations

from collections.abc import Iterator

from measure import Contender, interleave
from setup import PYTHON, Setup
from table import Row, compared

_TIMES = 4  # rounds for each one asked for: they are short, and noise is not


def help_text(setup: Setup) -> Iterator[Row]:
    """`sftdata --help` against `import click`, both whole processes."""
    contenders = [
        Contender("ours", lambda out: [PYTHON, "-m", "sftdata", "--help"]),
        Contender("other", lambda out: [PYTHON, "-c", "import click"]),
    ]
    runs = interleave(contenders, _TIMES * setup.runs)
    ours, other = (f"{1000 * runs.median(name):.0f} ms" for name in ("ours", "other"))
    yield compared(
        "sftdata --help, against import click", ours, other, runs.ratio("ours", "other"), "≤", 3
    )
