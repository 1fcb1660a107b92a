"""Setup: the options of all benchmarks, and the builds that several of them measure."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from inputs import Inputs, unpack
from measure import Command, Contender, run_child

CHILDREN = Path(__file__).resolve().parent / "children"
PYTHON = Path(sys.executable)
ROOT = CHILDREN.parents[2]  # of the checkout


@dataclass(frozen=True)
class Checkout:
    """A checkout of sftdata and how to run it."""

    root: Path
    python: Path = PYTHON
    cache: Path | None = None  # None: the user's own

    @property
    def environment(self) -> dict[str, str]:
        """Makes `import sftdata` find this checkout."""
        cache = {} if self.cache is None else {"XDG_CACHE_HOME": str(self.cache)}
        return {"PYTHONPATH": str(self.root), **cache}

    def build_command(self, arguments: Sequence[str], out: Path) -> Command:
        """`sftdata build` into `out`."""
        return [self.python, "-m", "sftdata", "build", *arguments, "--out", out]


HERE = Checkout(ROOT)


@dataclass(frozen=True)
class Setup:
    """The options of a benchmark run."""

    runs: int
    inputs: Inputs
    tokenizers: Path  # a folder of tokenizer directories
    other_pythons: tuple[Path, ...]  # interpreters that may have packages that this one lacks
    scale: float  # below 1: smaller large inputs, to try the suite
    folder: Path  # for inputs; temporary

    def scaled(self, size: int, least: int) -> int:
        """`size`, scaled."""
        return max(least, round(size * self.scale))

    def python_with(self, package: str) -> Path | None:
        """The first interpreter in which `package` can be imported."""
        return next((p for p in (*self.other_pythons, PYTHON) if _imports(p, package)), None)

    def example_dataset(self) -> Path:
        """The dataset of the gpt2 build of the corpus, built at the first call."""
        directory = self.folder / "example"
        if not directory.exists():
            arguments = build_arguments([self.inputs.corpus], self.tokenizers / "gpt2")
            build(arguments, directory, self.folder)
        return directory

    def size(self, path: Path) -> str:
        """The size of an input in megabytes, as text."""
        return f"{path.stat().st_size / 1e6:.0f} MB"


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """The options that give a `Setup`."""
    sys.path.append(str(ROOT / "tests"))
    from support.places import SHARED

    add = parser.add_argument
    add("--runs", type=int, default=5, help="rounds of each benchmark")
    corpus = SHARED / "corpus" / "articles.jsonl.gz"
    add("--corpus", type=Path, default=corpus, help="JSONL, also .gz, with article and summary")
    add("--tokenizers", type=Path, default=SHARED / "tokenizers", help="folder with gpt2, …")
    add("--scale", type=float, default=1.0, help="shrink the large inputs, to try the suite")


def make_setup(arguments: argparse.Namespace, folder: Path) -> Setup:
    """The setup of parsed options, with its inputs in `folder`."""
    return Setup(
        runs=arguments.runs,
        inputs=Inputs(unpack(arguments.corpus, folder), folder),
        tokenizers=arguments.tokenizers,
        other_pythons=tuple(getattr(arguments, "other_python", ())),
        scale=arguments.scale,
        folder=folder,
    )


@cache
def _imports(python: Path, package: str) -> bool:
    # `find_spec` would also find packages whose dependencies have unusable versions.
    found = subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False)
    return found.returncode == 0


def build_arguments(data: Sequence[Path], tokenizer: Path, *more: str) -> list[str]:
    """Arguments of `sftdata build` except `--out`. No row is cut, as in the other libraries."""
    sources = [argument for path in data for argument in ("--data", str(path))]
    options = ["--tokenizer", str(tokenizer), "--max-length", "1000000"]
    return ["--task", "summarize", *sources, *options, *more]


def build(arguments: Sequence[str], out: Path, cwd: Path, checkout: Checkout = HERE) -> None:
    """Build once, not measured."""
    run_child(checkout.build_command(arguments, out), cwd, checkout.environment)


def touch_data(arguments: Sequence[str]) -> None:
    """Touch the source files, so that their cached digests are not used."""
    for option, value in pairwise(arguments):
        if option == "--data":
            Path(value).touch()


def whole(
    name: str, arguments: Sequence[str], cwd: Path | None = None, checkout: Checkout = HERE
) -> Contender:
    """`sftdata build` as a user runs it: a new process."""
    return Contender(
        name,
        lambda out: checkout.build_command(arguments, out / "dataset"),
        prepare=lambda out: touch_data(arguments),
        inspect=lambda out: describe(out / "dataset"),
        cwd=cwd,
        environment=checkout.environment,
    )


def inside(name: str, arguments: Sequence[str], cwd: Path | None = None) -> Contender:
    """`sftdata build` in a process that imports everything before the clock starts."""
    return Contender(
        name,
        lambda out: [PYTHON, CHILDREN / "build_inside.py", *arguments, "--out", out / "dataset"],
        prepare=lambda out: touch_data(arguments),
        inspect=lambda out: describe(out / "dataset"),
        cwd=cwd,
    )


def describe(directory: Path) -> dict[str, Any]:
    """Rows, tokens, sizes and shard digests of a dataset."""
    manifest = json.loads((directory / "manifest.json").read_bytes())
    shards = [shard for split in manifest["splits"].values() for shard in split["shards"]]
    every = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    sums = {key: sum(shard[key] for shard in shards) for key in ("rows", "tokens", "bytes")}
    return sums | {"every_file": every, "digests": [shard["sha256"] for shard in shards]}


def check_same_work(ours: float, others: float, what: str) -> None:
    """Raises when two contenders made numbers of something that differ by more than 1 %.

    Small differences are expected, because sftdata drops exact duplicates.
    """
    if abs(ours - others) > 0.01 * others:
        raise ValueError(f"{what}: {ours:,.0f} here, {others:,.0f} there: not the same work")
