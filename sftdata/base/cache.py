"""What is known of files from earlier builds, for as long as they are the files they were.

Of what is small the content is looked at. A large file is taken for the same when its place, size
and times are (its inode, too, and the time of its last change of any kind, which no program can
set). Reading a hundred gigabytes to learn that nothing was changed would take minutes. `sftdata
verify` reads everything all the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xxhash

from sftdata.base.files import Stamp, stamp

# Below this, reading the bytes costs no more than looking them up.
_WORTH_REMEMBERING = 8 * 1024 * 1024
# A file system may give two changes that follow each other closely the same time.
_SETTLED_SECONDS = 1.0

_DIGEST_BYTES = 16  # of the content, before it


def cache_folder() -> Path:
    """Where what is remembered lies between builds."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sftdata"


def facts_of(kind: str, digest: str) -> dict[str, Any]:
    """What was remembered of content with this digest; nothing if it is new."""
    return _read(cache_folder() / kind / digest)


def remember_facts(kind: str, digest: str, facts: Mapping[str, Any]) -> None:
    """Remembers what follows from content with this digest, by this version of the code."""
    _write_facts(cache_folder() / kind / digest, facts)


def content_of(kind: str, digest: str) -> bytes | None:
    """The content that was remembered under this digest; None where it is new, or damaged."""
    try:
        data = (cache_folder() / kind / digest).read_bytes()
    except OSError:
        return None
    content = data[_DIGEST_BYTES:]
    return content if xxhash.xxh3_128_digest(content) == data[:_DIGEST_BYTES] else None


def remember_content(kind: str, digest: str, content: bytes) -> None:
    """Remembers content that was made, by this version of the code, of what has this digest."""
    _write(cache_folder() / kind / digest, xxhash.xxh3_128_digest(content) + content)


def digest_of(files: Sequence[Path], stamps: Sequence[Stamp]) -> str | None:
    """The digest that was remembered of these files together; None if they have other stamps."""
    known = _read(_place("sources", files))
    return known.get("sha256") if known.get("stamps") == list(stamps) else None


def remember_digest(files: Sequence[Path], stamps: Sequence[Stamp], digest: str) -> None:
    """Remembers the digest of files that had these stamps before they were read."""
    settled = time.time() - _SETTLED_SECONDS
    if sum(size for _, _, size, _, _ in stamps) >= _WORTH_REMEMBERING and all(
        changed / 1e9 < settled for *_, changed in stamps
    ):
        _write_facts(_place("sources", files), {"stamps": list(stamps), "sha256": digest})


def untouched(directory: Path) -> frozenset[str]:
    """Names of the files of a dataset that nobody has touched since `remember_files`."""
    known: Mapping[str, Stamp] = _read(_place("sets", [directory]))
    same = set()
    for name, before in known.items():
        with contextlib.suppress(OSError):
            if stamp(directory / name) == before:
                same.add(name)
    return frozenset(same)


def remember_files(directory: Path, names: Iterable[str]) -> None:
    """Remembers the files of a dataset, which are as they should be, in place of all before."""
    with contextlib.suppress(OSError):
        stamps = {name: stamp(directory / name) for name in names}
        if sum(size for _, _, size, _, _ in stamps.values()) >= _WORTH_REMEMBERING:
            _write_facts(_place("sets", [directory]), stamps)


def _place(kind: str, paths: Sequence[Path]) -> Path:
    name = "\n".join(str(path.resolve()) for path in paths)
    return cache_folder() / kind / xxhash.xxh3_128_hexdigest(name.encode(errors="surrogateescape"))


def _read(place: Path) -> dict[str, Any]:
    try:
        content = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_facts(place: Path, facts: Mapping[str, Any]) -> None:
    _write(place, json.dumps(facts).encode())


def _write(place: Path, content: bytes) -> None:
    temporary = place.with_name(f"{place.name}.{os.getpid()}")
    with contextlib.suppress(OSError):  # a read-only home costs time, not the build
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(place)
