"""The processor cores and the memory that this process may use, also inside a container."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_UNLIMITED = 1 << 60  # the first version of control groups writes a huge number for "no limit"


def usable_cores(root: Path = Path("/")) -> int:
    """How many cores this process may use, at least 1. `root` holds `proc` and `sys`."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    for folder in _control_groups(root):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if not quota:
            quota, period = (_read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        if quota.isdecimal() and period.isdecimal():
            cores = min(cores, int(quota) // max(1, int(period)))
    return max(1, cores)


def available_memory(root: Path = Path("/")) -> int | None:
    """How many bytes this process may still take; None where the system doesn't say."""
    found = [_field(root / "proc/meminfo", "MemAvailable:", 1024)]
    for folder in _control_groups(root):
        for limit, used, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, now = _read(folder / limit), _read(folder / used)
            if most.isdecimal() and now.isdecimal() and int(most) < _UNLIMITED:
                freeable = _field(folder / "memory.stat", cached) or 0
                found.append(max(0, int(most) - int(now) + freeable))
    return min((bytes_ for bytes_ in found if bytes_ is not None), default=None)


def _control_groups(root: Path) -> Iterator[Path]:
    """The folders of this process's control groups and of those above them."""
    mounted = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, kinds, path = line.split(":", 2)
        top = mounted / kinds if kinds else mounted
        own = top / path.strip("/")
        yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(top))


def _field(path: Path, name: str, unit: int = 1) -> int | None:
    for line in _read(path).splitlines():
        words = line.split()
        if words[:1] == [name] and words[1].isdecimal():
            return int(words[1]) * unit
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
