"""All benchmarks: one command, one table.

    python tests/bench/run.py [--runs 5] [--only NAME ...]

Each figure is measured in one run of this command, in turns with what it is compared with (A B A
B), and is the median; a ratio is the median over the pairs. docs/performance.md says what each
includes. Progress goes to stderr, the tables to stdout.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import builds
import floors
import loading
import packing
import rebuilds
import stages
import start
from inputs import Inputs, unpack
from measure import ChildError
from setup import ROOT, Setup
from table import HEAD, Row, markdown

BENCHMARKS: dict[str, Callable[[Setup], Iterator[Row]]] = {
    "build": builds.against_datasets,
    "trl": builds.against_trl,
    "axolotl": builds.against_axolotl,
    "llamafactory": builds.against_llamafactory,
    "floor": floors.plain,
    "shapes": floors.others,
    "jinja": builds.with_jinja,
    "rebuild": rebuilds.shares,
    "disk": builds.on_disk,
    "memory": builds.in_memory,
    "read": loading.reading,
    "open": loading.opening,
    "pack": packing.plans,
    "help": start.help_text,
}
STAGES = "stages"


def main() -> None:
    """Runs the benchmarks that are asked for and prints their tables."""
    arguments = _parser().parse_args()
    wanted = arguments.only or [*BENCHMARKS, STAGES]
    with tempfile.TemporaryDirectory(prefix="sftdata-bench-inputs-") as name:
        folder = Path(name)
        setup = Setup(
            runs=arguments.runs,
            inputs=Inputs(unpack(arguments.corpus, folder), folder),
            tokenizers=arguments.tokenizers,
            other_pythons=tuple(arguments.other_python),
            scale=arguments.scale,
            folder=folder,
        )
        print(_conditions(setup))
        rows = [row for name in wanted if name in BENCHMARKS for row in _measured(name, setup)]
        if rows:
            print(f"\n{markdown(HEAD, [row.cells() for row in rows])}")
        if STAGES in wanted:
            print(f"\n{markdown(stages.HEAD, stages.table(setup))}")


def _measured(name: str, setup: Setup) -> Iterator[Row]:
    """The rows of a benchmark, and one that says so where it cannot go on."""
    started = time.perf_counter()
    print(f"{name} …", file=sys.stderr, flush=True)
    try:
        for row in BENCHMARKS[name](setup):
            print("  " + " | ".join(row.cells()), file=sys.stderr, flush=True)
            yield row
    except (ChildError, ValueError) as error:
        print(error, file=sys.stderr)
        yield Row(name, "failed, see stderr")
    print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)


def _conditions(setup: Setup) -> str:
    scale = "" if setup.scale == 1 else f", large inputs scaled by {setup.scale:g}: no goal holds"
    return (
        f"{setup.runs} runs of each; {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"corpus of {setup.size(setup.inputs.corpus)}{scale}"
    )


def _parser() -> argparse.ArgumentParser:
    sys.path.append(str(ROOT / "tests"))
    from support.places import SHARED

    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    add = parser.add_argument
    add("--runs", type=int, default=5, help="rounds of each benchmark")
    add("--only", nargs="+", choices=[*BENCHMARKS, STAGES], metavar="NAME", help="of %(choices)s")
    corpus = SHARED / "corpus" / "articles.jsonl.gz"
    add("--corpus", type=Path, default=corpus, help="JSONL, also .gz, with article and summary")
    add("--tokenizers", type=Path, default=SHARED / "tokenizers", help="gpt2, smollm2, …")
    add(
        "--other-python",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="interpreters with trl, axolotl, llamafactory or mosaicml-streaming",
    )
    add("--scale", type=float, default=1.0, help="shrink the large inputs, to try the suite")
    return parser


if __name__ == "__main__":
    main()
