"""Read rows as NumPy arrays, and open a large dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from measure import Command, Contender, Runs, interleave, run_child
from setup import CHILDREN, PYTHON, Setup
from table import Row, compared

WAYS = {
    "random": "10,000 random rows",
    "in order": "an epoch in order",
    "shuffled": "an epoch, shuffled",
}


def reading(setup: Setup) -> Iterator[Row]:
    """Read the training split row by row, against `datasets` and mosaicml-streaming."""
    directory = setup.example_dataset()
    shards = sorted(directory.glob("shards/*/train-*.arrow"))
    contenders = [Contender("ours", lambda out: [PYTHON, CHILDREN / "read_sftdata.py", directory])]
    others: dict[str, tuple[Path | None, float | None]] = {
        "datasets": (setup.python_with("datasets"), 5.0),
        "streaming": (setup.python_with("streaming"), None),
    }
    for name, (python, _) in others.items():
        if python is not None:
            contenders.append(_reader(name, python, shards))
    runs = interleave(contenders, setup.runs)
    for name, (python, goal) in others.items():
        for way, words in WAYS.items():
            figure = f"{words}, against {name}"
            if python is None:
                yield Row(figure, "", f"no interpreter has {name}")
            else:
                yield _rates(runs, figure, name, way, goal)


def _reader(name: str, python: Path, shards: Sequence[Path]) -> Contender:
    return Contender(name, lambda out: [python, CHILDREN / f"read_{name}.py", out, *shards])


def _rates(runs: Runs, figure: str, name: str, way: str, goal: float | None) -> Row:
    checks = {runs.printed(contender, f"{way} check") for contender in ("ours", name)}
    if len(checks) > 1:
        raise ValueError(f"{figure}: different rows were read: checksums {checks}")
    rate = f"{way} rate"
    ours, other = (f"{runs.printed(c, rate):,.0f} rows/s" for c in ("ours", name))
    ratio = runs.ratio("ours", name, lambda usage: float(usage.printed[rate]))
    if goal is None:
        return Row(figure, ours, other, f"{ratio:.3g}")
    return compared(figure, ours, other, ratio, "≥", goal)


def opening(setup: Setup) -> Iterator[Row]:
    """`sftdata.load` of many short rows in a new process, with and without the page cache."""
    rows = setup.scaled(10_000_000, 100_000)
    large = setup.folder / "short-rows"
    make: Command = [PYTHON, CHILDREN / "short_rows.py", setup.example_dataset(), str(rows), large]
    run_child(make, setup.folder)
    command: Command = [PYTHON, CHILDREN / "open_dataset.py", large]
    warm = Contender("warm", lambda out: command)
    runs = interleave([warm, Contender("cold", lambda out: [*command, "cold"])], setup.runs)
    figure = f"open {rows:,} rows"
    for name, state in (("warm", "in the page cache"), ("cold", "not in the page cache")):
        took, first = runs.printed(name, "seconds"), runs.printed(name, "first")
        yield Row(
            f"{figure}, files {state}", f"{1000 * took:.1f} ms", "", "", "≤ 50 ms", took <= 0.05
        )
        yield Row("  then a row", f"{1000 * first:.1f} ms")
    resident, own = runs.printed("warm", "resident"), runs.printed("warm", "own")
    yield Row(f"{figure}, memory", f"{resident:.1f} MB", "", "", "≤ 50 MB", resident <= 50)
    yield Row("  without pages of the files", f"{own:.1f} MB")
