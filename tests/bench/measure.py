"""Measure: commands run as child processes, one after another, in turns.

Each run is a new process with an empty folder to write to. What is measured of it: seconds by the
clock, seconds of processor time of the process and of the processes it waited for, and the memory
peak of the largest of these. That peak is of one process, not the sum of all; and where a process
does not use as much as this one does, it is that of this one, which for that reason imports next to
nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ChildError(Exception):
    """A measured command failed; the message has the end of its stderr."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run took, and the JSON object on the last line of its stdout, if there is one."""

    wall: float  # seconds
    cpu: float  # seconds
    peak: float  # megabytes (10**6), of the largest process
    said: dict[str, Any]

    @property
    def seconds(self) -> float:
        """What the process has measured itself, else the wall time."""
        return float(self.said.get("seconds", self.wall))


Command = Sequence[str | Path]


@dataclass(frozen=True)
class Contender:
    """A command to measure. It is run in `cwd`, which is the folder it writes to if not given."""

    name: str
    command: Callable[[Path], Command]  # gets an empty folder to write to
    prepare: Callable[[Path], object] | None = None  # fills that folder before the clock starts
    inspect: Callable[[Path], dict[str, Any]] | None = None  # adds to what a run has said
    cwd: Path | None = None


@dataclass(frozen=True)
class Runs:
    """All runs of some contenders, by name, in order."""

    usages: dict[str, list[Usage]] = field(default_factory=dict)

    def median(self, name: str, of: Callable[[Usage], float] = lambda u: u.seconds) -> float:
        """The median over the runs of one contender."""
        return statistics.median(of(usage) for usage in self.usages[name])

    def ratio(
        self, name: str, to: str, of: Callable[[Usage], float] = lambda u: u.seconds
    ) -> float:
        """The median over the pairs of runs of `name` against `to`."""
        pairs = zip(self.usages[name], self.usages[to], strict=True)
        return statistics.median(of(a) / of(b) for a, b in pairs)

    def said(self, name: str, key: str) -> float:
        """The median of a number that the runs of one contender have said."""
        return self.median(name, lambda usage: float(usage.said[key]))


def interleave(contenders: Sequence[Contender], runs: int, *, warm_up: bool = True) -> Runs:
    """Runs the contenders in turns: A B A B.

    With `warm_up` each is run once before, unmeasured, so that all find their modules compiled and
    their input in the page cache.
    """
    measured = Runs({contender.name: [] for contender in contenders})
    if warm_up:
        for contender in contenders:
            _run(contender)
    for _ in range(runs):
        for contender in contenders:
            measured.usages[contender.name].append(_run(contender))
    return measured


def run_child(command: Command, cwd: Path) -> Usage:
    """Runs a command to its end. Raises `ChildError` when it fails."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    os.sync()  # what was written before must not be waited for in the run's own sync
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command], cwd=cwd, env=environment, stdout=out, stderr=err
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            tail = err.read().decode(errors="replace")[-2000:]
            raise ChildError(f"{' '.join(map(str, command))}\n{tail}")
        said = _last_object(out.read().decode(errors="replace"))
    # Linux counts the peak in units of 1,024 bytes.
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6, said)


def _run(contender: Contender) -> Usage:
    folder = Path(tempfile.mkdtemp(prefix="sftdata-bench-"))
    try:
        if contender.prepare is not None:
            contender.prepare(folder)
        usage = run_child(contender.command(folder), contender.cwd or folder)
        if contender.inspect is not None:
            usage.said.update(contender.inspect(folder))
        return usage
    finally:
        shutil.rmtree(folder)


def _last_object(text: str) -> dict[str, Any]:
    line = text.rstrip().rpartition("\n")[2]
    if not line.startswith("{"):
        return {}
    said: dict[str, Any] = json.loads(line)
    return said
