"""Processor time of the parent of a build beside that of its workers; run on demand.

    python tests/bench/workers.py small.jsonl large.jsonl -- --task summarize --tokenizer gpt2

Builds both files with two workers and prints the seconds for each GB by which the larger file
exceeds the smaller, so that the start of the processes is left out. The options are those of build.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from statistics import median

from measure import Contender, interleave
from setup import CHILDREN, HERE, PYTHON
from table import markdown

_CHILD = CHILDREN / "build_share.py"


def main() -> None:
    """Measure both files and print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("small", type=Path)
    parser.add_argument("large", type=Path)
    parser.add_argument("options", nargs="*")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    os.environ |= HERE.environment
    files = [arguments.small.resolve(), arguments.large.resolve()]
    runs = interleave([_build(path, arguments.options) for path in files], arguments.runs)
    gigabytes = (files[1].stat().st_size - files[0].stat().st_size) / 1e9
    seconds = {
        who: median(
            (large.printed[who] - small.printed[who]) / gigabytes
            for small, large in zip(*runs.usages.values(), strict=True)
        )
        for who in ("parent", "workers")
    }
    cells = [f"{value:.1f} s/GB" for value in seconds.values()]
    share = f"{seconds['parent'] / seconds['workers']:.2f}"
    print(markdown(("parent", "workers", "for each worker core"), [(*cells, share)]))


def _build(path: Path, options: list[str]) -> Contender:
    def command(out: Path) -> list[str | Path]:
        build = ["--data", str(path), "--out", str(out / "dataset"), "--workers", "2"]
        return [PYTHON, _CHILD, *build, *options]

    def forget_digest(out: Path) -> None:
        path.touch()

    return Contender(str(path), command, prepare=forget_digest)


if __name__ == "__main__":
    main()
