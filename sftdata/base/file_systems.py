"""Whether a file system shows every change of a file in its times."""

from __future__ import annotations

import contextlib
import os
import re
from functools import cache
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")  # Linux only
# Each write sets the ctime here, also one through a memory map, and no program can set it back.
# Others have no ctime (FAT), miss writes through a map (tmpfs), or leave it to their server.
_UPDATE_CTIME = {
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "nfs", "nfs4", "ceph",
    "lustre",
}  # fmt: skip


def updates_ctime(path: Path) -> bool:
    """Whether the file system of `path` sets the ctime with each change of a file."""
    kinds = _read_mounts()
    if not kinds:
        return True  # not Linux; the usual file systems do
    place = path.resolve()  # the file that a link names may be on another file system
    folders = [place, *place.parents]
    found = next((kinds[str(folder)] for folder in folders if str(folder) in kinds), "")
    return found in _UPDATE_CTIME


def flush(path: Path) -> None:
    """Writes changes that programs made through memory maps to the file, which sets its times.

    The next change through a map then sets them again.
    """
    with contextlib.suppress(OSError):  # such as a pipe, or no permission to open it
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@cache
def _read_mounts() -> dict[str, str]:
    """Kind of the file system by the folder where it is mounted."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return {}
    kinds = {}
    for line in lines:
        fields, _, rest = line.partition(" - ")
        folder = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), fields.split(" ")[4])
        kinds[folder] = rest.split(" ")[0]
    return kinds
