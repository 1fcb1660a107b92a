"""A source that changes without a new size or mtime is never taken for the old one."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.forty_rows import build, rows, write_rows, write_spec

from sftdata.base import cache
from sftdata.base.files import stamp
from sftdata.reading.sources import resolve
from sftdata.reading.sources.resolve import resolve_sources

ROWS = Path("rows.jsonl")
OLD, NEW = b"Article 7 says 49.", b"Article 7 says 94."


@pytest.fixture(autouse=True)
def _cached(byte_tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest of a small file is cached, too, as soon as its times can tell."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_MIN_BYTES", 0)
    monkeypatch.setattr(cache, "_SETTLED_SECONDS", 0.02)
    write_spec(byte_tokenizer)
    write_rows(rows(10))
    time.sleep(0.04)


def put_mtime(path: Path, status: os.stat_result) -> None:
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def write_in_place() -> None:
    status, data = ROWS.stat(), ROWS.read_bytes()
    with ROWS.open("r+b") as file:
        file.write(data.replace(OLD, NEW))
    put_mtime(ROWS, status)


def touch_back() -> None:
    status = ROWS.stat()
    ROWS.write_bytes(ROWS.read_bytes().replace(OLD, NEW))
    subprocess.run(["touch", "-d", f"@{status.st_mtime_ns / 1e9:.9f}", ROWS], check=True)
    put_mtime(ROWS, status)


def write_other() -> Path:
    """Another file with the same size and mtime."""
    Path("other").write_bytes(ROWS.read_bytes().replace(OLD, NEW))
    put_mtime(Path("other"), ROWS.stat())
    return Path("other")


def rename_over() -> None:  # as rsync -t and git checkout do
    write_other().replace(ROWS)


def copy_with_times() -> None:  # cp -p
    shutil.copy2(write_other(), ROWS)


def link_elsewhere() -> None:
    other = write_other()
    ROWS.unlink()
    ROWS.symlink_to(other)


def swap_two() -> None:
    other = write_other()
    ROWS.rename("third")
    other.rename(ROWS)
    Path("third").rename(other)


def truncate_and_write() -> None:
    status, data = ROWS.stat(), ROWS.read_bytes()
    os.truncate(ROWS, 0)
    ROWS.write_bytes(data.replace(OLD, NEW))
    put_mtime(ROWS, status)


CHANGES = [
    write_in_place, touch_back, rename_over, copy_with_times, link_elsewhere, swap_two,
    truncate_and_write,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_that_keeps_size_and_mtime_is_built(change: Callable[[], None]) -> None:
    before = ROWS.stat()
    first = build(spec="spec.toml", out="out").manifest["build"]
    assert build(spec="spec.toml", out="out").up_to_date
    change()
    after = ROWS.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    outcome = build(spec="spec.toml", out="out")
    assert not outcome.up_to_date
    assert outcome.manifest["build"] != first


def test_a_change_through_a_memory_map_that_is_open_all_the_time_is_built() -> None:
    """The map's pages are dirty already, so that the second change alone would move no time."""
    with ROWS.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        at = mapped.find(OLD)
        mapped[at : at + len(OLD)] = OLD
        time.sleep(0.04)
        build(spec="spec.toml", out="out")
        assert build(spec="spec.toml", out="out").up_to_date
        mapped[at : at + len(NEW)] = NEW
        assert not build(spec="spec.toml", out="out").up_to_date


def test_an_edit_while_it_is_read_is_seen_though_the_mtime_is_put_back() -> None:
    (source,) = resolve_sources([str(ROWS)])
    stamps, _ = source.stamps, source.sha256
    write_in_place()
    assert not source.has(stamps)


def test_a_new_link_is_no_change() -> None:
    (source,) = resolve_sources([str(ROWS)])
    stamps, _ = source.stamps, source.sha256
    Path("link").hardlink_to(ROWS)
    assert [stamp(ROWS)] != stamps
    assert source.has(stamps)


@pytest.mark.parametrize("is_settled", [False, True])
def test_an_edit_within_a_tick_of_the_clock_is_read_again(
    is_settled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window: an edit in the tick of the look, of a file that was changed long before."""
    monkeypatch.setattr(cache, "_SETTLED_SECONDS", 60)  # longer than a busy machine takes
    now = time.time_ns()
    fixed = [1, 2, ROWS.stat().st_size, now, now - (10**12 if is_settled else 0)]
    monkeypatch.setattr(resolve, "stamp", lambda path: fixed)
    (source,) = resolve_sources([str(ROWS)])
    stamps, _ = source.stamps, source.sha256
    write_in_place()
    assert source.has(stamps) is is_settled
