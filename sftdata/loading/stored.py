"""Datasets in object stores: read from a copy in the cache, each version in a folder of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sftdata.base.cache import note_use
from sftdata.base.cache_folder import DATASETS, cache_folder
from sftdata.base.escaping import escape
from sftdata.base.files import replacing, write_atomically
from sftdata.base.reporting import log
from sftdata.base.stores import StoredFolder, is_address
from sftdata.base.wording import count, size
from sftdata.errors import SftdataError, VerificationError
from sftdata.writing.dataset_files import list_files, list_paths
from sftdata.writing.manifest import MANIFEST, PARTS, read_manifest

if TYPE_CHECKING:
    from sftdata.base.reporting import Report

_BLOCK_BYTES = 1024 * 1024
_MEND = "Remove what is left of the file in the store, and build there again: it is uploaded anew."


def local_folder(place: str | Path, report: Report = log, *, again: bool = False) -> Path:
    """The folder of a dataset; of an address, that of its copy in the cache.

    What is missing there is fetched, or with `again` everything, and compared with the digests of
    the manifest while it comes.
    Raises `VerificationError` for a damaged file, and `SftdataError` where there is no dataset.
    """
    if not is_address(str(place)):
        return Path(place)
    folder = StoredFolder(str(place))
    content = folder.read(MANIFEST)
    if content is None:
        raise SftdataError(
            f"{folder} holds no dataset: there is no {MANIFEST}.",
            f"Build one there: sftdata build --out {folder}",
            code="E701",
        )
    copy = _copy_folder(folder, content)
    if (copy / MANIFEST).is_file():
        note_use(copy / MANIFEST)
    fetched = _Fetch(folder, copy, again).fetch("", content)
    if fetched:
        report(f"Fetched {count(len(fetched), 'file')}, {size(sum(fetched))}, of {folder}.")
    return copy


def _copy_folder(folder: StoredFolder, manifest: bytes) -> Path:
    """The folder of a version, so that what is open of another one stays."""
    digest = hashlib.sha256(f"{folder}\0".encode() + manifest).hexdigest()
    return cache_folder() / DATASETS / digest[:32]


class _Fetch:
    """Copies a dataset and its parts."""

    def __init__(self, folder: StoredFolder, copy: Path, again: bool) -> None:
        self._folder, self._copy, self._again = folder, copy, again
        self._there = folder.list_files()

    def fetch(self, below: str, content: bytes) -> list[int]:
        """Copies the dataset with this manifest; `below`: where it is. Returns the sizes."""
        directory = self._inside(below)
        directory.mkdir(parents=True, exist_ok=True)
        # First, because it says what the files must be; a copy without all of them is completed.
        write_atomically(directory / MANIFEST, content)
        manifest = read_manifest(directory)
        fetched = []
        recorded = list_files(manifest)
        for name in sorted(list_paths(manifest)):
            if PurePosixPath(name).name == MANIFEST:
                continue
            if f"{below}{name}" in self._there:
                fetched += self._fetch_file(below + name, recorded.get(name))
            elif name in recorded:
                raise VerificationError(
                    f"{self._folder}/{below}{name}: the file is missing.", _MEND
                )
        for part in manifest.part_names:
            inner = f"{below}{PARTS}/{part}/"
            part_content = self._folder.read(f"{inner}{MANIFEST}")
            if part_content is not None:
                fetched += self.fetch(inner, part_content)
        return fetched

    def _fetch_file(self, name: str, entry: Mapping[str, Any] | None) -> list[int]:
        """Copies a file that is not there yet; its size. `entry`: as the manifest records it."""
        path = self._inside(name)
        is_there = path.is_file() and path.stat().st_size == self._there[name].bytes
        if is_there and not self._again:
            return []
        path.parent.mkdir(parents=True, exist_ok=True)
        digest, written = hashlib.sha256(), 0
        with self._folder.open(name) as stream, replacing(path) as file:
            while block := stream.read(_BLOCK_BYTES):
                written += file.write(block)
                digest.update(block)
            if entry is not None and digest.hexdigest() != entry["sha256"]:
                raise VerificationError(
                    f"{self._folder}/{name}: not the content of the build (the digest differs).",
                    _MEND,
                )
        return [written]

    def _inside(self, name: str) -> Path:
        """The place of a file in the copy. Raises `VerificationError` for one outside of it."""
        path = self._copy / name
        if not path.resolve().is_relative_to(self._copy.resolve()):
            raise VerificationError(
                f"{self._folder}: the manifest names '{escape(name)}', outside of the dataset.",
                "It was made to harm. Build the dataset yourself.",
            )
        return path
