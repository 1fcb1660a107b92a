"""Whether a file's times tell that it was changed."""

from __future__ import annotations

import contextlib
import os
import re
from functools import cache
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")  # Linux only
# Each write moves the ctime here, also one through a memory map, and no program can set it. Others
# have no ctime (FAT), miss writes through a map (tmpfs), or say what their server likes.
_TELLING = frozenset(
    {
        "ext2",
        "ext3",
        "ext4",
        "xfs",
        "btrfs",
        "zfs",
        "f2fs",
        "overlay",
        "nfs",
        "nfs4",
        "ceph",
        "lustre",
    }
)


def tells_changes(path: Path) -> bool:
    """Whether the file system moves the ctime of `path` with each change of the file."""
    kinds = _read_mounts()
    if not kinds:
        return True  # another system, whose usual file systems do
    folders = [path.absolute(), *path.absolute().parents]
    found = next((kinds[str(folder)] for folder in folders if str(folder) in kinds), "")
    return found in _TELLING


def flush(path: Path) -> None:
    """Writes out what programs have changed through memory maps, so that the times tell it.

    After that, the next change through a map moves the times again.
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
