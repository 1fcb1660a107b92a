"""Measure commands as child processes, in turns.

Each run is a new process with an empty folder to write to. Measured are wall time, processor time
(with that of its children), and the memory peak of the largest of these processes, not their sum.
The kernel starts a child's peak at the memory of this process, so this one imports little.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ChildError(Exception):
    """A measured command failed. The message holds the end of its stderr."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Time and memory of one run, and the JSON object on the last line of its stdout."""

    wall: float  # seconds
    cpu: float  # seconds
    peak: float  # megabytes (10**6), of the largest process
    printed: dict[str, Any]

    @property
    def seconds(self) -> float:
        """The time that the process measured and printed itself, else its wall time."""
        return float(self.printed.get("seconds", self.wall))


Command = Sequence[str | Path]


@dataclass(frozen=True)
class Contender:
    """A command to measure. It runs in `cwd`, or else in the folder it writes to."""

    name: str
    command: Callable[[Path], Command]  # gets an empty folder to write to
    prepare: Callable[[Path], object] | None = None  # fills that folder before the clock starts
    inspect: Callable[[Path], dict[str, Any]] | None = None  # adds values to `Usage.printed`
    cwd: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)  # besides that of this process


@dataclass(frozen=True)
class Runs:
    """The runs of each contender, in the order of the rounds."""

    usages: dict[str, list[Usage]] = field(default_factory=dict)

    def median(self, name: str, of: Callable[[Usage], float] = lambda u: u.seconds) -> float:
        """The median over the runs of one contender."""
        return statistics.median(of(usage) for usage in self.usages[name])

    def ratios(
        self, name: str, to: str, of: Callable[[Usage], float] = lambda u: u.seconds
    ) -> list[float]:
        """In each round, `name` divided by `to`."""
        pairs = zip(self.usages[name], self.usages[to], strict=True)
        return [of(a) / of(b) for a, b in pairs]

    def ratio(
        self, name: str, to: str, of: Callable[[Usage], float] = lambda u: u.seconds
    ) -> float:
        """The median of `ratios`."""
        return statistics.median(self.ratios(name, to, of))

    def printed(self, name: str, key: str) -> float:
        """The median of a number that the runs of one contender printed."""
        return self.median(name, lambda usage: float(usage.printed[key]))


def interleave(contenders: Sequence[Contender], runs: int, *, warm_up: bool = True) -> Runs:
    """Run the contenders in turns: A B A B.

    With `warm_up` each runs once unmeasured, to compile its modules and to have its input in the
    page cache.
    """
    measured = Runs({contender.name: [] for contender in contenders})
    if warm_up:
        for contender in contenders:
            _run(contender)
    for _ in range(runs):
        for contender in contenders:
            measured.usages[contender.name].append(_run(contender))
    return measured


def run_child(command: Command, cwd: Path, environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end. Raises `ChildError` when it fails."""
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    os.sync()  # so that the command does not wait for earlier writes in its own sync
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env={**inherited, **(environment or {})},
            stdout=out,
            stderr=err,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            tail = err.read().decode(errors="replace")[-2000:]
            raise ChildError(f"{' '.join(map(str, command))}\n{tail}")
        printed = _last_object(out.read().decode(errors="replace"))
    # Linux counts the peak in units of 1,024 bytes.
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6, printed)


def _run(contender: Contender) -> Usage:
    folder = Path(tempfile.mkdtemp(prefix="sftdata-bench-"))
    try:
        if contender.prepare is not None:
            contender.prepare(folder)
        usage = run_child(contender.command(folder), contender.cwd or folder, contender.environment)
        if contender.inspect is not None:
            usage.printed.update(contender.inspect(folder))
        return usage
    finally:
        shutil.rmtree(folder)


def _last_object(text: str) -> dict[str, Any]:
    line = text.rstrip().rpartition("\n")[2]
    if not line.startswith("{"):
        return {}
    printed: dict[str, Any] = json.loads(line)
    return printed
