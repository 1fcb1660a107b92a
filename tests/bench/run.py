"""All benchmarks: one command, one table.

    python tests/bench/run.py [--runs 5] [--only NAME ...]

What is compared runs in turns (A B A B). Times are medians of the runs, ratios medians of the
pairs. docs/performance.md describes each figure. Progress goes to stderr, the tables to stdout.
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
import conversations
import floors
import loading
import packing
import rebuilds
import stages
import startup
from measure import ChildError
from setup import HERE, Setup, add_common_options, make_setup
from table import HEAD, Row, markdown

BENCHMARKS: dict[str, Callable[[Setup], Iterator[Row]]] = {
    "build": builds.against_datasets,
    "trl": builds.against_trl,
    "axolotl": builds.against_axolotl,
    "llamafactory": builds.against_llamafactory,
    "conversations": conversations.against_trl_and_loop,
    "floor": floors.gpt2_builds,
    "kinds": floors.other_builds,
    "jinja": builds.with_jinja,
    "rebuild": rebuilds.shares,
    "disk": builds.on_disk,
    "memory": builds.in_memory,
    "read": loading.reading,
    "open": loading.opening,
    "pack": packing.plans,
    "help": startup.help_text,
}
STAGES = "stages"


def main() -> None:
    """Run the chosen benchmarks and print their tables."""
    arguments = _parser().parse_args()
    os.environ |= HERE.environment  # the measured processes import this checkout
    wanted = arguments.only or [*BENCHMARKS, STAGES]
    with tempfile.TemporaryDirectory(prefix="sftdata-bench-inputs-") as name:
        setup = make_setup(arguments, Path(name))
        print(_conditions(setup))
        rows = [row for name in wanted if name in BENCHMARKS for row in _measured(name, setup)]
        if rows:
            print(f"\n{markdown(HEAD, [row.cells() for row in rows])}")
        if STAGES in wanted:
            print(f"\n{markdown(stages.HEAD, stages.table(setup))}")


def _measured(name: str, setup: Setup) -> Iterator[Row]:
    """The rows of a benchmark; its last one says so when it failed."""
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
    scale = "" if setup.scale == 1 else f", large inputs scaled by {setup.scale:g} (ignore goals)"
    return (
        f"{setup.runs} runs of each; {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"corpus of {setup.size(setup.inputs.corpus)}{scale}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    add_common_options(parser)
    add = parser.add_argument
    add("--only", nargs="+", choices=[*BENCHMARKS, STAGES], metavar="NAME", help="of %(choices)s")
    add(
        "--other-python",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="interpreters with trl, axolotl, llamafactory or mosaicml-streaming",
    )
    return parser


if __name__ == "__main__":
    main()
