"""The cache between builds: results by the digest of their input, and digests of large files.

A small file is read and digested each time. A large file counts as unchanged while its path, size,
inode, mtime and ctime are the same, because reading a hundred gigabytes would take minutes; no
program can set the ctime. It is read again where the times may miss a change: on file systems
that don't set them with each write, and within a second after a change. `sftdata verify` reads
everything all the same.

An entry begins with a digest of its content, its kind and its name. One that is damaged or in the
place of another counts as absent, so a cache never changes a result.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import xxhash

from sftdata.base.cache_folder import cache_folder
from sftdata.base.file_systems import updates_ctime
from sftdata.base.files import Stamp, read_regular, replacing, stamp

# Reading less than this takes no longer than a look into the cache.
_MIN_BYTES = 8 * 1024 * 1024
_MIN_FILE_BYTES = 1024 * 1024  # of one file of a dataset
# A file system may give two changes within this time the same timestamp.
_SETTLED_SECONDS = 1.0

_DIGEST_BYTES = 16  # stored before the content
_MAX_ENTRY_BYTES = 1024**3  # the largest are tokenizers, whose files have at most half of it

_DAY = 24 * 3600

_is_off = False
_found_meanwhile: dict[Path, bytes] = {}  # while the cache is off, by the path of their entry


@contextlib.contextmanager
def without_cache() -> Iterator[None]:
    """Within the context no entry is read, so that every fact is found again, once."""
    global _is_off
    before, _is_off = _is_off, True
    try:
        yield
    finally:
        _is_off = before
        if not before:
            _found_meanwhile.clear()


# --- results, by the digest of everything they depend on, the version of the code included -------


def read_facts(kind: str, digest: str) -> dict[str, Any]:
    """The cached facts; empty if there are none."""
    path = cache_folder() / kind / digest
    if path in _found_meanwhile:
        facts: dict[str, Any] = json.loads(_found_meanwhile[path])
        return facts
    return _read_json(path)


def write_facts(kind: str, digest: str, facts: Mapping[str, Any]) -> None:
    """Caches facts that JSON can hold."""
    path = cache_folder() / kind / digest
    if _is_off:
        _found_meanwhile[path] = json.dumps(facts).encode()
    _write_json(path, facts)


def read_content(kind: str, digest: str) -> bytes | None:
    """The cached bytes; None if there are none, or they are damaged."""
    return _read(cache_folder() / kind / digest)


def write_content(kind: str, digest: str, content: bytes) -> None:
    """Caches bytes."""
    _write(cache_folder() / kind / digest, content)


# --- large files, by path and stamp --------------------------------------------------------------


def read_digest(files: Sequence[Path], stamps: Sequence[Stamp]) -> str | None:
    """The cached digest of these files together; None if they had other stamps then."""
    known = _read_json(_entry("sources", files))
    is_known = known.get("stamps") == list(stamps) and all(map(updates_ctime, files))
    return known.get("sha256") if is_known else None


def write_digest(
    files: Sequence[Path], stamps: Sequence[Stamp], digest: str, taken: float | None = None
) -> None:
    """Caches the digest of large files.

    `taken`: the time of the stamps, which must be from before the files were read; default: now.
    """
    taken = time.time() if taken is None else taken
    if sum(size for _, _, size, _, _ in stamps) >= _MIN_BYTES and are_settled(files, taken, stamps):
        _write_json(_entry("sources", files), {"stamps": list(stamps), "sha256": digest})


def are_settled(files: Iterable[Path], taken: float, stamps: Iterable[Stamp]) -> bool:
    """Whether any change of the files since the stamps were taken gives them other stamps."""
    settled = taken - _SETTLED_SECONDS
    return all(changed / 1e9 < settled for *_, changed in stamps) and all(map(updates_ctime, files))


def unchanged_files(directory: Path) -> frozenset[str]:
    """Names of the files of a dataset that are unchanged since `record_files`."""
    known: Mapping[str, Stamp] = _read_json(_entry("sets", [directory]))
    unchanged = set()
    for name, before in known.items():
        with contextlib.suppress(OSError):
            if stamp(directory / name) == before and updates_ctime(directory / name):
                unchanged.add(name)
    return frozenset(unchanged)


def record_files(directory: Path, names: Iterable[str]) -> None:
    """Caches the stamps of a large dataset's files, which were just verified or written."""
    with contextlib.suppress(OSError):
        stamps = {name: stamp(directory / name) for name in names}
        if sum(size for _, _, size, _, _ in stamps.values()) >= _MIN_BYTES:
            _write_json(_entry("sets", [directory]), stamps)


def record_file(directory: Path, name: str, before: Stamp) -> None:
    """Adds the stamp of one large file, taken before it was verified, to those of its dataset."""
    _, _, size, _, changed = before
    if size >= _MIN_FILE_BYTES and changed / 1e9 < time.time() - _SETTLED_SECONDS:
        path = _entry("sets", [directory])
        _write_json(path, _read_json(path) | {name: before})


def _entry(kind: str, paths: Sequence[Path]) -> Path:
    name = "\n".join(str(path.resolve()) for path in paths)
    return cache_folder() / kind / xxhash.xxh3_128_hexdigest(name.encode(errors="surrogateescape"))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(_read(path) or b"")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _write_json(path: Path, facts: Mapping[str, Any]) -> None:
    _write(path, json.dumps(facts).encode())


def _read(path: Path) -> bytes | None:
    if _is_off:
        return None
    try:
        if path.stat().st_size > _MAX_ENTRY_BYTES:
            return None
        data = read_regular(path)
        note_use(path)
    except OSError:
        return None
    content = data[_DIGEST_BYTES:]
    return content if data[:_DIGEST_BYTES] == _seal(path, content) else None


def _write(path: Path, content: bytes) -> None:
    with contextlib.suppress(OSError):  # a read-only home costs time, not the build
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, is_durable=False) as file:  # damaged, it would count as absent
            file.write(_seal(path, content) + content)
    trim_once()


@cache
def trim_once() -> None:
    """Keeps the cache below its cap; once in a process, because it lists the whole cache."""
    from sftdata.base.cache_size import trim_cache  # seldom needed

    with contextlib.suppress(OSError):
        trim_cache()


def note_use(path: Path) -> None:
    """Notes that an entry is in use, to a day; the longest unused entries are removed first."""
    if path.stat().st_mtime < time.time() - _DAY:
        os.utime(path)


def _seal(path: Path, content: bytes) -> bytes:
    digest = xxhash.xxh3_128(f"{path.parent.name}/{path.name}\0".encode())
    digest.update(content)
    return digest.digest()
