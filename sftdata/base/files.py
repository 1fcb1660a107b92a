"""Files on disk: atomic writes, fsync, stamps and checks of content."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path
from typing import BinaryIO

import xxhash

from sftdata.base.full_disk import needing, with_place
from sftdata.base.out_of_memory import is_out_of_memory

_REFUSALS = (errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE)


def write_atomically(path: Path, data: bytes) -> None:
    """Writes `data` to `path`; a reader sees the old bytes or the new ones, even after a crash."""
    with needing(lambda: len(data)), replacing(path) as file:
        file.write(data)


def write_output(path: Path, data: bytes) -> None:
    """Writes a file that the user named: through links, and into a pipe or a device."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(data)
    else:
        write_atomically(path, data)


@contextmanager
def replacing(path: Path, *, is_durable: bool = True) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` at the end; an error leaves the old one.

    `is_durable`: it survives a power cut. A temporary file that a killed process left is removed
    by the next write to `path`.
    """
    try:
        with temporary_file(path) as file:
            if path.is_file():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            if is_durable:
                os.fsync(file.fileno())
            Path(file.name).replace(path)
        if is_durable:
            sync(path.parent)
    except OSError as error:
        if error.filename is None or is_temporary(Path(error.filename)):
            raise with_place(error, path) from error
        raise


@contextmanager
def temporary_file(path: Path) -> Iterator[BufferedWriter]:
    """A new file beside `path`, to be renamed while it is open; if it is not, it is removed.

    Removes those that killed processes left.
    """
    remove_leftovers(path)
    temporary = path.with_name(f".{path.name}.{secrets.randbits(40)}")
    try:
        with _open_locked(temporary) as file:
            yield file
    finally:  # also after Ctrl-C while it was opened
        with contextlib.suppress(OSError):
            temporary.unlink()


def _open_locked(path: Path) -> BufferedWriter:
    """A new file, locked while it is open: a temporary file without a lock is a leftover."""
    while True:
        file = path.open("xb")
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists():  # nobody removed it before it was locked
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def remove_leftovers(path: Path) -> None:
    """Removes the temporary files of killed writes to `path`; those of running ones are locked."""
    for other in path.parent.glob(f".{glob.escape(path.name)}.*"):
        if is_temporary(other):
            with contextlib.suppress(OSError), other.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                other.unlink()


def is_temporary(path: Path) -> bool:
    """Whether `path` has the name of a temporary file of ours: `.NAME.NUMBER`."""
    return path.name.startswith(".") and path.suffix[1:].isdecimal()


def sync(path: Path) -> None:
    """Flushes a file's bytes, or a folder's names, to disk, so that they survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_regular(path: Path, max_bytes: int = -1) -> bytes:
    """The bytes of a file, at most the first `max_bytes`.

    Raises `OSError` for a pipe or a device: neither comes to an end by itself.
    """
    # Without the flag, a pipe without a writer would be waited for.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "a pipe or a device, not a file", str(path))
        return file.read(max_bytes)


def expand_home(path: str) -> Path:
    """The path, with `~` in the place of the home folder; as it is where there is no such home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises then


def is_of_machine(error: Exception) -> bool:
    """Whether the machine lacks a permission, open files or memory: the file may be healthy."""
    is_refusal = isinstance(error, OSError) and error.errno in _REFUSALS
    return is_refusal or is_out_of_memory(error)


def exists(path: Path) -> bool:
    """Whether there is such a file or folder; False for a name that is too long for any file."""
    try:
        return path.exists()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False


Stamp = list[int]


def stamp(path: Path) -> Stamp:
    """Device, inode, size, mtime and ctime: another file, or a changed one, has another stamp."""
    status = path.stat()
    return [
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    ]  # fmt: skip


def sha256_of(path: Path) -> str:
    """The digest of a file's bytes, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(path: Path, size: int, xxh3: str) -> bool:
    """Whether the first `size` bytes of a file exist and have this digest."""
    if not path.is_file() or path.stat().st_size < size:
        return False
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while size and (block := file.read(min(size, 1 << 20))):
            digest.update(block)
            size -= len(block)
    return digest.hexdigest() == xxh3
