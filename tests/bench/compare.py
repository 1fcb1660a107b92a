"""Compare the build times of this checkout with another one.

    python tests/bench/compare.py --against PATH [--runs 5] [--only NAME ...]

Both build the same input in turns (A B A B), each with a cache of its own. A ratio is the time of
this checkout divided by that of the other: above 1, this checkout is slower. The table has the
median, the lowest and the highest ratio of the pairs, the median ratio of processor time, which
depends less on the load of the machine, and whether both write the same shards. Progress goes to
stderr, the table to stdout.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import Contender, Runs, interleave
from rebuilds import start_from
from setup import (
    PYTHON,
    ROOT,
    Checkout,
    Setup,
    add_common_options,
    build,
    build_arguments,
    make_setup,
    whole,
)
from table import markdown

HEAD = ("build", "here", "there", "ratio", "lowest", "highest", "processor time", "same shards")

Make = Callable[[Setup, Path, Checkout, str], Contender]  # gets the input and a contender's name


def full(setup: Setup, data: Path, checkout: Checkout, name: str) -> Contender:
    """A first build."""
    return whole(name, _arguments(setup, data), checkout=checkout)


def unchanged(setup: Setup, data: Path, checkout: Checkout, name: str) -> Contender:
    """A rebuild that finds nothing changed."""
    return _rebuild(setup, data, data, checkout, name)


def inserted(setup: Setup, data: Path, checkout: Checkout, name: str) -> Contender:
    """A rebuild after a row was inserted before the first."""
    return _rebuild(setup, data, setup.inputs.inserted(data), checkout, name)


def edited(setup: Setup, data: Path, checkout: Checkout, name: str) -> Contender:
    """A rebuild after one row in a hundred was edited, spread evenly."""
    return _rebuild(setup, data, setup.inputs.edited(data, 100), checkout, name)


# The contender, and how many copies of the corpus are in its input.
BUILDS: dict[str, tuple[Make, int]] = {
    "full": (full, 1),
    "full-10": (full, 10),
    "unchanged": (unchanged, 1),
    "inserted": (inserted, 1),
    "inserted-10": (inserted, 10),
    "edited": (edited, 1),
}


def main() -> None:
    """Measure the chosen builds and print the table."""
    arguments = _parser().parse_args()
    other = arguments.against.resolve()
    if not (other / "sftdata" / "__init__.py").is_file():
        raise SystemExit(f"{other} holds no sftdata: give the root of a checkout.")
    rows = []
    with tempfile.TemporaryDirectory(prefix="sftdata-bench-compare-") as name:
        folder = Path(name)
        setup = make_setup(arguments, folder)
        checkouts = {
            "here": Checkout(ROOT, PYTHON, folder / "cache-here"),
            "there": Checkout(other, arguments.against_python, folder / "cache-there"),
        }
        for name in arguments.only or BUILDS:
            make, times = BUILDS[name]
            data = setup.inputs.repeated(times if times == 1 else setup.scaled(times, 2))
            print(f"{name}, {setup.size(data)} …", file=sys.stderr, flush=True)
            contenders = [make(setup, data, checkouts[side], side) for side in checkouts]
            row = _row(f"{name}, {setup.size(data)}", interleave(contenders, setup.runs))
            print("  " + " | ".join(row), file=sys.stderr, flush=True)
            rows.append(row)
    print(markdown(HEAD, rows))


def _rebuild(setup: Setup, data: Path, changed: Path, checkout: Checkout, name: str) -> Contender:
    """A build of `changed` in a copy of the dataset that this checkout built from `data`."""
    before = setup.folder / f"{name}-{data.stem}"
    if not before.exists():
        build(_arguments(setup, data), before / "dataset", setup.folder, checkout)
    arguments = _arguments(setup, changed)
    rebuild = whole(name, arguments, checkout=checkout)
    return start_from(before, rebuild, arguments, _arguments(setup, data), checkout)


def _arguments(setup: Setup, data: Path) -> list[str]:
    return build_arguments([data], setup.tokenizers / "gpt2")


def _row(name: str, runs: Runs) -> tuple[str, ...]:
    ratios = runs.ratios("here", "there")
    digests = [usage.printed["digests"] for side in runs.usages.values() for usage in side]
    return (
        name,
        f"{runs.median('here'):.3f} s",
        f"{runs.median('there'):.3f} s",
        f"{statistics.median(ratios):.3f}",
        f"{min(ratios):.3f}",
        f"{max(ratios):.3f}",
        f"{runs.ratio('here', 'there', lambda usage: usage.cpu):.3f}",
        "yes" if all(digest == digests[0] for digest in digests) else "no",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    add_common_options(parser)
    add = parser.add_argument
    add("--against", type=Path, required=True, metavar="PATH", help="root of the other checkout")
    add("--against-python", type=Path, default=PYTHON, help="its interpreter, if another one")
    add("--only", nargs="+", choices=BUILDS, metavar="NAME", help="of %(choices)s")
    return parser


if __name__ == "__main__":
    main()
