"""The size of the cache: what is in it, its cap, and how to clear it."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from sftdata.base.cache_folder import DATASETS, KINDS, PART, cache_folder
from sftdata.base.escaping import escape
from sftdata.base.files import is_temporary, remove_leftovers
from sftdata.errors import SftdataError

VARIABLE = "SFTDATA_CACHE_GB"
_DEFAULT_GB = 20.0
_IN_USE_SECONDS = 3600.0  # a running build may need entries used in the last hour
_IN_TRAINING_SECONDS = 7 * 24 * 3600.0  # a running training may not have opened all shards yet


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A cached result, the copy of a fetched file or dataset, or what was built for an address."""

    kind: str
    path: Path
    bytes: int
    used: float  # the time of its last use, to a day


def cache_cap() -> int:
    """The size limit of the cache, in bytes. Raises `SftdataError` for a wrong setting."""
    text = os.environ.get("SFTDATA_CACHE_GB")  # VARIABLE, read by name for the docs
    try:
        gigabytes = _DEFAULT_GB if text is None else float(text)
    except ValueError:
        gigabytes = math.nan
    if not 0 <= gigabytes < math.inf:
        raise SftdataError(
            f"The environment variable {VARIABLE} is '{escape(text or '')}', which is no size.",
            f"Set it to a number of gigabytes, or unset it: then it is {_DEFAULT_GB:g}.",
            code="E102",
        )
    return int(gigabytes * 1e9)


def list_entries() -> list[CacheEntry]:
    """Everything that sftdata put into the cache, the longest unused first."""
    entries = []
    for folder in _folders():
        for path in folder.iterdir():
            with contextlib.suppress(OSError):  # another process may remove it
                inner = path.rglob("*") if path.is_dir() else [path]
                files = [file for file in inner if file.is_file()]
                used = max((file.stat().st_mtime for file in files), default=0.0)
                size = sum(map(_size_on_disk, files))
                entries.append(CacheEntry(folder.name, path, size, used))
    return sorted(entries, key=lambda entry: (entry.used, str(entry.path)))


def _size_on_disk(file: Path) -> int:
    status = file.stat()
    # One that is copied piece by piece has holes.
    return status.st_blocks * 512 if file.name.endswith(PART) else status.st_size


def trim_cache() -> None:
    """Removes leftovers of killed processes, and the longest unused entries beyond the cap."""
    cap, entries = cache_cap(), list_entries()
    total = sum(entry.bytes for entry in entries)
    now = time.time()
    for entry in entries:
        if is_temporary(entry.path):
            remove_leftovers(entry.path.with_name(entry.path.name[1:].rpartition(".")[0]))
        elif total > cap and now - entry.used > _kept_seconds(entry):
            _remove(entry.path)
            total -= entry.bytes


def _kept_seconds(entry: CacheEntry) -> float:
    return _IN_TRAINING_SECONDS if entry.kind == DATASETS else _IN_USE_SECONDS


def clear_cache() -> int:
    """Removes everything in the cache; returns the number of bytes."""
    total = sum(entry.bytes for entry in list_entries())
    for folder in _folders():
        shutil.rmtree(folder)
    return total


def _folders() -> list[Path]:
    try:
        entries = sorted(cache_folder().iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    entries = [path for path in entries if path.name in KINDS]
    return [path for path in entries if path.is_dir() and not path.is_symlink()]


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
