"""Start-up time of the command line."""

from __future__ import annotations

from collections.abc import Iterator

from measure import Contender, interleave
from setup import PYTHON, Setup
from table import Row, compared

_TIMES = 4  # more rounds, because a short time has more noise


def help_text(setup: Setup) -> Iterator[Row]:
    """`sftdata --help` against `import click`, as whole processes."""
    contenders = [
        Contender("ours", lambda out: [PYTHON, "-m", "sftdata", "--help"]),
        Contender("other", lambda out: [PYTHON, "-c", "import click"]),
    ]
    runs = interleave(contenders, _TIMES * setup.runs)
    ours, other = (f"{1000 * runs.median(name):.0f} ms" for name in ("ours", "other"))
    yield compared(
        "sftdata --help, against import click", ours, other, runs.ratio("ours", "other"), "≤", 3
    )
