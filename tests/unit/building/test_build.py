"""Many builds in one process: nothing of a build stays behind."""

from __future__ import annotations

import gc
import shutil
import threading
from pathlib import Path

from support.forty_rows import build_rows, rows, write_spec

from sftdata.tokenizing.engines import GigatokenEngine, ReferenceEngine

_WARM_UP, _BUILDS = 8, 20
_SLACK = 32 * 1024  # kB; heaps of threads go up and down by half of this


def test_many_builds_leave_no_memory_descriptor_or_thread(
    byte_tokenizer: Path, monkeypatch, tmp_path
) -> None:
    monkeypatch.chdir(tmp_path)
    write_spec(byte_tokenizer)
    used = []
    for number in range(_BUILDS):
        build_rows(rows(), f"out{number}")
        shutil.rmtree(f"out{number}")
        used.append(
            (_resident(), len(list(Path("/proc/self/fd").iterdir())), threading.active_count())
        )
    memory, descriptors, threads = zip(*used[_WARM_UP:], strict=True)
    assert max(memory) - memory[0] < _SLACK
    assert max(descriptors) == descriptors[0]  # those of other tests may go, too
    assert max(threads) == threads[0]


def test_the_engines_of_a_build_go_without_the_garbage_collector(
    byte_tokenizer: Path, monkeypatch, tmp_path
) -> None:
    monkeypatch.chdir(tmp_path)
    write_spec(byte_tokenizer)
    gc.collect()
    gc.disable()
    try:
        before = _engines()
        build_rows(rows())
        assert _engines() <= before  # those of other tests may go, too
    finally:
        gc.enable()


def _engines() -> int:
    return sum(type(o) in (GigatokenEngine, ReferenceEngine) for o in gc.get_objects())


def _resident() -> int:
    """Kilobytes of this process that are in memory and in no file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("RssAnon")))
