"""Memory of commands on made inputs of many rows; run on demand.

    python tests/bench/memory.py --rows 1000000 2000000 5000000
    python tests/bench/memory.py --long-gigabytes 10

Builds short rows, or rows of 40 kB, in a new folder under `--folder`, and runs `stats`, `verify`
and `doctor` on each dataset. A row of the table is a command: seconds, processor seconds, and the
memory peak of its largest process. Inputs and datasets are removed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from inputs import write_long_rows, write_short_rows
from measure import run_child
from setup import HERE, ROOT
from table import markdown

_HEAD = ("input", "command", "seconds", "processor", "peak")
_READERS = ("stats", "verify", "doctor")


def main() -> None:
    """Measure each input and print the table."""
    sys.path.append(str(ROOT / "tests"))
    from support.places import SHARED

    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[])
    parser.add_argument("--long-gigabytes", type=float, nargs="*", default=[])
    parser.add_argument("--tokenizer", default=str(SHARED / "tokenizers" / "gpt2"))
    parser.add_argument("--folder", type=Path, help="on a disk with room for input and dataset")
    arguments = parser.parse_args()
    os.environ |= HERE.environment
    cells = []
    for name, number in (
        *(("short", rows) for rows in arguments.rows),
        *(("long", gigabytes) for gigabytes in arguments.long_gigabytes),
    ):
        folder = Path(tempfile.mkdtemp(prefix="sftdata-memory-", dir=arguments.folder))
        try:
            cells += list(_measure(folder, name, number, arguments.tokenizer))
        finally:
            shutil.rmtree(folder)
    print(markdown(_HEAD, cells))


def _measure(folder: Path, name: str, number: float, tokenizer: str) -> Iterator[tuple[str, ...]]:
    data, out = folder / "rows.jsonl", folder / "out"
    if name == "short":
        write_short_rows(data, int(number))
        named = f"{int(number):,} short rows"
    else:
        write_long_rows(data, int(number * 1e9))
        named = f"{number:g} GB of long rows"
    build = ["build", "--data", str(data), "--tokenizer", tokenizer, "--out", str(out)]
    build += ["--max-length", "100000"]
    for command in (build, *([reader, str(out)] for reader in _READERS)):
        used = run_child([sys.executable, "-m", "sftdata", *command], folder)
        figures = (f"{used.wall:.0f} s", f"{used.cpu:.0f} s", f"{used.peak:.0f} MB")
        print(named, command[0], *figures, file=sys.stderr, flush=True)
        yield (named, command[0], *figures)


if __name__ == "__main__":
    main()
