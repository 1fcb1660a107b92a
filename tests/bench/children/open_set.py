"""Opens a data set, with its pages out of memory; prints seconds and megabytes as JSON.

    python open_set.py SET

The clock and the memory start after the import of the loader. `seconds` and `megabytes` are those
of `sftdata.load(SET)["train"]`, `first` the seconds that the first row takes after it. Memory is
what the process holds (resident set), mapped pages that were read included.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import sftdata
import sftdata.loader


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _evict(directory: Path) -> None:
    for path in (path for path in directory.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main(directory: Path) -> None:
    """Opens once."""
    _evict(directory)
    before, started = _resident(), time.perf_counter()
    train = sftdata.load(directory)["train"]
    opened, megabytes = time.perf_counter(), _resident() - before
    train[len(train) // 2].input_ids[-1]
    first = time.perf_counter() - opened
    said = {"seconds": opened - started, "megabytes": megabytes, "first": first, "rows": len(train)}
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
