"""Copies of fetched files in the cache: one for each address, under the digest of its bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import urllib.parse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sftdata.base.cache import (
    note_use,
    read_digest,
    trim_once,
    write_digest,
)
from sftdata.base.cache_folder import COPIES, cache_folder
from sftdata.base.files import stamp, temporary_file, write_atomically

_BLOCK_BYTES = 1024 * 1024
_LONGEST_NAME = 100
_RECORD = "copy.json"


@dataclass(frozen=True, slots=True)
class KnownCopy:
    """The copy of an earlier build, and the version of the file that it was made from."""

    address: str
    file: str  # below the folder of its address
    sha256: str
    version: str = ""  # as an object store tells it
    etag: str = ""
    modified: str = ""

    @property
    def path(self) -> Path:
        """Where the copy is."""
        return _folder(self.address) / self.file


def _folder(address: str) -> Path:
    return cache_folder() / COPIES / hashlib.sha256(address.encode()).hexdigest()[:32]


def find_copy(address: str) -> KnownCopy | None:
    """The copy of an earlier build; None if there is none, or it is damaged."""
    folder = _folder(address)
    try:
        known = KnownCopy(**json.loads((folder / _RECORD).read_bytes()))
        is_whole = known.address == address and _digest(known.path) == known.sha256
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    with contextlib.suppress(OSError):
        note_use(folder / _RECORD)
    return known if is_whole else None


def _digest(path: Path) -> str:
    stamps = [stamp(path)]
    digest = read_digest([path], stamps)
    if digest is None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        write_digest([path], stamps, digest)
    return digest


def store_copy(address: str, stream: Any, size: int | None, **version: str) -> Path:
    """Copies the stream into the cache, whole or not at all; earlier copies are removed."""
    folder = _folder(address)
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    fetched = 0
    with temporary_file(folder / "fetching") as file:
        while block := stream.read(_BLOCK_BYTES):
            fetched += file.write(block)
            digest.update(block)
        if size is not None and fetched != size:
            raise OSError(f"{fetched:,} of {size:,} bytes came")
        file.flush()
        sha256 = digest.hexdigest()
        known = KnownCopy(address, f"{sha256[:32]}/{_name(address)}", sha256, **version)
        path = known.path
        if not path.exists() or _digest(path) != sha256:
            path.parent.mkdir(exist_ok=True)
            Path(file.name).replace(path)
    write_atomically(folder / _RECORD, json.dumps(asdict(known)).encode())
    for other in _other_copies(folder, path.parent):
        shutil.rmtree(other, ignore_errors=True)
    trim_once()
    return path


def _other_copies(folder: Path, kept: Path) -> Iterator[Path]:
    return (entry for entry in folder.iterdir() if entry.is_dir() and entry != kept)


def _name(address: str) -> str:
    """The name of the file, whose ending says how it holds its rows."""
    path = address
    with contextlib.suppress(ValueError):
        path = urllib.parse.urlsplit(address).path or address
    name = urllib.parse.unquote(path.rstrip("/").rpartition("/")[2]).replace("/", "_")
    name = name.replace("\0", "").lstrip(".")
    return name[-_LONGEST_NAME:] or "file"
