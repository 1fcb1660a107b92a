"""Setup: what all benchmarks share, and the commands that several of them measure."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from inputs import Inputs
from measure import Contender, run_child

CHILDREN = Path(__file__).resolve().parent / "children"
PYTHON = Path(sys.executable)
ROOT = CHILDREN.parents[2]  # of the checkout


@dataclass(frozen=True)
class Setup:
    """What a benchmark is run with."""

    runs: int
    inputs: Inputs
    tokenizers: Path  # a folder of tokenizer directories
    other_pythons: tuple[Path, ...]  # interpreters that may have what this one has not
    scale: float  # below 1 the large inputs are smaller, to try the suite
    folder: Path  # for inputs; empty at first, removed at the end

    def scaled(self, size: int, least: int) -> int:
        """A size of a large input."""
        return max(least, round(size * self.scale))

    def python_with(self, package: str) -> Path | None:
        """The first interpreter in which `package` can be imported."""
        return next((p for p in (*self.other_pythons, PYTHON) if _imports(p, package)), None)

    def example_set(self) -> Path:
        """The dataset of the gpt2 build, made at the first call."""
        directory = self.folder / "example"
        if not directory.exists():
            arguments = build_arguments([self.inputs.corpus], self.tokenizers / "gpt2")
            build(arguments, directory, self.folder)
        return directory

    def size(self, path: Path) -> str:
        """The size of an input, as the figures name it."""
        return f"{path.stat().st_size / 1e6:.0f} MB"


@cache
def _imports(python: Path, package: str) -> bool:
    # Not `find_spec`: what is installed beside other versions than it needs cannot be used.
    found = subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False)
    return found.returncode == 0


def build_arguments(data: Sequence[Path], tokenizer: Path, *more: str) -> list[str]:
    """Arguments of `sftdata build` but for `--out`. Nothing is cut: the contenders cut nothing."""
    sources = [argument for path in data for argument in ("--data", str(path))]
    options = ["--tokenizer", str(tokenizer), "--max-length", "1000000"]
    return ["--task", "summarize", *sources, *options, *more]


def build(arguments: Sequence[str], out: Path, cwd: Path) -> None:
    """Builds once, not measured."""
    run_child([PYTHON, "-m", "sftdata", "build", *arguments, "--out", out], cwd)


def touch_data(arguments: Sequence[str]) -> None:
    """Makes the rows new to sftdata, which remembers the digests of files it has read."""
    for option, value in pairwise(arguments):
        if option == "--data":
            Path(value).touch()


def whole(name: str, arguments: Sequence[str], cwd: Path | None = None) -> Contender:
    """The command a user types, in a process of its own."""
    return Contender(
        name,
        lambda out: [PYTHON, "-m", "sftdata", "build", *arguments, "--out", out / "set"],
        prepare=lambda out: touch_data(arguments),
        inspect=lambda out: describe(out / "set"),
        cwd=cwd,
    )


def inside(name: str, arguments: Sequence[str], cwd: Path | None = None) -> Contender:
    """The same command in a process that has imported everything before the clock starts."""
    return Contender(
        name,
        lambda out: [PYTHON, CHILDREN / "build_inside.py", *arguments, "--out", out / "set"],
        prepare=lambda out: touch_data(arguments),
        inspect=lambda out: describe(out / "set"),
        cwd=cwd,
    )


def describe(directory: Path) -> dict[str, Any]:
    """Rows, tokens and sizes of a dataset of ours."""
    manifest = json.loads((directory / "manifest.json").read_bytes())
    shards = [shard for split in manifest["splits"].values() for shard in split["shards"]]
    every = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    sums = {key: sum(shard[key] for shard in shards) for key in ("rows", "tokens", "bytes")}
    return sums | {"every_file": every}


def check_same_work(ours: float, others: float, what: str) -> None:
    """Raises when two contenders made amounts of something that differ by more than 1 %.

    They may differ a little: sftdata leaves out rows that repeat another one.
    """
    if abs(ours - others) > 0.01 * others:
        raise ValueError(f"{what}: {ours:,.0f} here, {others:,.0f} there: not the same work")
