"""Machine: limits of a container count as much as cores and memory that are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sftdata.base.machine import available_memory, usable_cores

MEMINFO = "MemTotal: 9000 kB\nMemAvailable: 8000 kB\n"
SECOND = {"proc/self/cgroup": "0::/a/b\n", "proc/meminfo": MEMINFO}
FIRST = {"proc/self/cgroup": "4:memory:/a\n1:cpu:/a\n", "proc/meminfo": MEMINFO}


def files(root: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("texts", "cores"),
    [
        ({}, 64),
        (SECOND | {"sys/fs/cgroup/a/b/cpu.max": "max 100000"}, 64),
        (SECOND | {"sys/fs/cgroup/a/b/cpu.max": "350000 100000"}, 3),
        (SECOND | {"sys/fs/cgroup/a/cpu.max": "50000 100000"}, 1),  # of the group above
        (SECOND | {"sys/fs/cgroup/cpu.max": "200000 100000"}, 2),
        (
            FIRST | {f"sys/fs/cgroup/cpu/a/cpu.cfs_{n}_us": v + "00000" for n, v in
                     (("quota", "4"), ("period", "1"))},
            4,
        ),
        (FIRST | {"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "-1"}, 64),
    ],
)  # fmt: skip
def test_cores(
    texts: dict[str, str], cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    assert usable_cores(files(tmp_path, texts)) == cores


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, None),
        (SECOND, 8_192_000),
        (
            SECOND
            | {
                "sys/fs/cgroup/a/memory.max": "5000",
                "sys/fs/cgroup/a/memory.current": "4500",
                "sys/fs/cgroup/a/memory.stat": "anon 100\ninactive_file 300\n",
            },
            800,
        ),
        (
            FIRST
            | {
                "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "6000",
                "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "1000",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": str((1 << 63) - 4096),
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "1000",
            },
            5000,
        ),
    ],
)
def test_memory(texts: dict[str, str], expected: int | None, tmp_path: Path) -> None:
    assert available_memory(files(tmp_path, texts)) == expected


def test_this_machine_has_both() -> None:
    assert usable_cores() >= 1
    memory = available_memory()
    assert memory is None or memory > 0
