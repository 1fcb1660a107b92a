"""Where the times of a file tell its changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sftdata.base import file_systems
from sftdata.base.file_systems import flush, updates_ctime

MOUNTS = r"""
21 1 254:0 / / rw - ext4 /dev/vda rw
22 21 0:21 / /mem rw,nosuid shared:7 - tmpfs tmpfs rw
23 21 0:22 / /usb\040stick rw - vfat /dev/sdb1 rw
24 23 0:23 / /usb\040stick/deep rw - xfs /dev/sdc1 rw
25 21 0:24 / /over rw - tmpfs tmpfs rw
26 25 0:25 / /over rw - btrfs /dev/sdd1 rw
"""


@pytest.fixture
def _mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "mounts").write_text(MOUNTS.strip())
    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "mounts")
    file_systems._read_mounts.cache_clear()
    yield
    file_systems._read_mounts.cache_clear()


@pytest.mark.usefixtures("_mounts")
@pytest.mark.parametrize(
    ("path", "is_trusted"),
    [
        ("/home/a", True),
        ("/mem/a", False),
        ("/memory/a", True),
        ("/usb stick/a", False),
        ("/usb stick/deep/a/b", True),
        ("/over/a", True),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path: str, is_trusted: bool) -> None:
    assert updates_ctime(Path(path)) is is_trusted


def test_the_file_system_is_that_of_the_file_not_of_its_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, memory = tmp_path / "disk", tmp_path / "memory"
    disk.mkdir()
    memory.mkdir()
    (disk / "link").symlink_to(memory / "file")
    (disk / "folder").symlink_to(memory)
    mounts = f"1 1 0:1 / {disk} rw - ext4 a rw\n2 1 0:2 / {memory} rw - tmpfs tmpfs rw"
    (tmp_path / "mounts").write_text(mounts)
    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "mounts")
    file_systems._read_mounts.cache_clear()
    try:
        assert updates_ctime(disk / "file")
        assert not updates_ctime(disk / "link")
        assert not updates_ctime(disk / "folder" / "file")
    finally:
        file_systems._read_mounts.cache_clear()


def test_flushing_waits_for_no_pipe_and_needs_no_file(tmp_path: Path) -> None:
    flush(tmp_path / "nowhere")
    flush(Path("/dev/null"))
    assert not (tmp_path / "nowhere").exists()
