"""A build whose workers do to themselves what `WORKER_FAULT` says, at rows with POISON in them.

Spawned workers import this file again, so what the pool is to run is replaced in them as well.
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import sftdata.building.build
import sftdata.building.workers
import sftdata.examples.maker
from sftdata.base.sizes import Sizes

FAULT = os.environ.get("WORKER_FAULT", "none")
LIMIT = os.environ.get("WORKER_SECONDS")  # the time limit of a job
_MARKS = re.compile(rb"POISON\d*")

make = sftdata.examples.maker.ExampleMaker.make


def _is_first(name: str) -> bool:
    """Whether nobody has done this before."""
    try:
        Path(os.environ["FAULT_FOLDER"], name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _poisoned(self: Any, work: Any) -> Any:
    marks = [m.decode() for item in work for m in _MARKS.findall(bytes(item.chunk.data))]
    if marks and FAULT == "always":
        os.kill(os.getpid(), signal.SIGKILL)
    if marks and FAULT == "takes two seconds":
        time.sleep(2)
    if marks and FAULT == "raises":
        raise RuntimeError("no such luck")
    for mark in marks:
        if FAULT in _ONCE and _is_first(f"died-{mark}"):
            _ONCE[FAULT]()
    return make(self, work)


def _answer_half() -> None:
    from multiprocessing.connection import Connection

    write = os.write

    def torn(self: Any, buf: Any) -> None:
        write(self._handle, bytes(buf[: len(buf) // 2]))
        os.kill(os.getpid(), signal.SIGKILL)

    Connection._send = lambda self, buf, write=None: torn(self, buf)  # type: ignore[attr-defined]


def _limit_memory() -> None:
    """Allows no more memory than there is now, or little more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    more = int(os.environ.get("WORKER_BYTES", "0"))
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


_ONCE = {
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "segmentation fault": lambda: ctypes.string_at(0),
    "out of memory": _limit_memory,
    "hangs": lambda: time.sleep(600),
    "killed in its answer": _answer_half,
}

sftdata.building.build.build_spec.__kwdefaults__["sizes"] = Sizes(
    read_bytes=int(os.environ.get("WORKER_READS", 128 * 1024))
)
sftdata.examples.maker.ExampleMaker.make = _poisoned  # type: ignore[method-assign]
if LIMIT is not None:
    sftdata.building.workers.Processes.__init__.__defaults__ = (lambda size: float(LIMIT),)

if __name__ == "__main__":
    # What a shell runs in the background ignores Ctrl-C, and so does all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv[0] = "sftdata"
    from sftdata.cli import main

    main()
