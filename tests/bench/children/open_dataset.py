"""Open a dataset; prints seconds and megabytes as JSON.

    python open_dataset.py DATASET [cold]

Time and memory are measured from after the import of the loader. `seconds` is the time of
`sftdata.load(DATASET)["train"]`, `first` that of reading a row in the middle. `resident` is the
growth of the process, including pages of the mapped files that the system read ahead; `own` is
without pages of files. With `cold` the files are first evicted from the page cache.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import sftdata
import sftdata.loading.dataset


def _memory() -> tuple[float, float]:
    """Resident megabytes of the process, and how many of them are pages of files."""
    size = os.sysconf("SC_PAGE_SIZE") / 1e6
    resident, of_files = Path("/proc/self/statm").read_text().split()[1:3]
    return int(resident) * size, int(of_files) * size


def _evict(directory: Path) -> None:
    for path in (path for path in directory.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main(directory: Path, *, cold: bool) -> None:
    """Open once."""
    if cold:
        _evict(directory)
    resident, of_files = _memory()
    started = time.perf_counter()
    train = sftdata.load(directory)["train"]
    opened = time.perf_counter()
    resident_after, of_files_after = _memory()
    after = time.perf_counter()
    train[len(train) // 2].input_ids[-1]
    grown = resident_after - resident
    printed = {
        "seconds": opened - started,
        "first": time.perf_counter() - after,
        "resident": grown,
        "own": grown - (of_files_after - of_files),
    }
    print(json.dumps(printed))


if __name__ == "__main__":
    main(Path(sys.argv[1]), cold=sys.argv[2:] == ["cold"])
