"""Files on disk: atomic writes, fsync, stamps and checks of content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import xxhash


def write_atomically(path: Path, data: bytes) -> None:
    """Writes `data` to `path`; a reader sees the old bytes or the new ones, even after a crash."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Flushes a file's bytes, or a folder's names, to disk, so that they survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
