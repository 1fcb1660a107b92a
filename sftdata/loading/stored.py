"""Datasets in object stores: read from a copy in the cache, each version in a folder of its own.

Beside the copy is its address (`_ADDRESS`), so a dataset that was opened from it, or sent to
another process, can still fetch what is missing.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from sftdata.base.cache import note_use
from sftdata.base.cache_folder import DATASETS, PART, cache_folder
from sftdata.base.escaping import escape
from sftdata.base.files import replacing, write_atomically
from sftdata.base.pieces import fits
from sftdata.base.reporting import log
from sftdata.base.stores import StoredFolder, is_address
from sftdata.base.wording import count, size
from sftdata.errors import SftdataError, VerificationError
from sftdata.loading.partial_file import MEND, PartialFile
from sftdata.writing.dataset_files import journal_path, list_files, list_paths
from sftdata.writing.manifest import MANIFEST, PARTS, read_manifest

if TYPE_CHECKING:
    from sftdata.base.reporting import Report

_BLOCK_BYTES = 1024 * 1024
_ADDRESS = "address"  # a file beside the copy
Parts = Literal["missing", "anew", "no shards"]


def local_folder(place: str | Path, report: Report = log, *, parts: Parts = "missing") -> Path:
    """The folder of a dataset; for an address, the folder of its copy in the cache.

    `parts`: fetch the files that are missing there, or all files anew, or no shards: then
    `ShardFile` fetches the pieces that are used. All is compared with the digests of the manifest.
    Raises `VerificationError` for a damaged file (for all of them, if all are fetched), and
    `SftdataError` where there is no dataset.
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
    copy.mkdir(parents=True, exist_ok=True)
    write_atomically(copy.parent / _ADDRESS, str(folder).encode())  # others may read it now
    fetch = _Fetch(folder, copy, parts)
    fetched = fetch.fetch("", content)
    if fetch.faults:
        raise VerificationError(
            "\n".join([f"{folder} does not agree with its manifest:", *fetch.faults]), MEND
        )
    if fetched:
        report(f"Fetched {count(len(fetched), 'file')}, {size(sum(fetched))}, of {folder}.")
    return copy


def address_of(directory: Path) -> str | None:
    """The address of the dataset that this folder is a copy of; None for a dataset of its own."""
    copies = (cache_folder() / DATASETS).resolve()
    directory = directory.resolve()
    if not directory.is_relative_to(copies):
        return None
    version, *below = directory.relative_to(copies).parts or ("",)
    try:
        address = (copies / version / _ADDRESS).read_text(encoding="utf-8")
    except OSError:  # made by an earlier version
        return None
    return "/".join([address, *below[1:]])


def open_partial(directory: Path, shard: Mapping[str, Any]) -> PartialFile | None:
    """The part of a shard that is copied so far, to be completed as it is read; None if the
    dataset is no copy, or was built before shards recorded digests of their pieces.

    `shard`: as the manifest records it.
    """
    address = address_of(directory)
    if address is None or not _has_pieces(shard):
        return None
    name, path = shard["path"], directory / f"{shard['path']}{PART}"
    return PartialFile(StoredFolder(address), name, path, shard["bytes"], shard["piece_xxh3"])


def _has_pieces(entry: Mapping[str, Any]) -> bool:
    return "batch_rows" in entry and fits(entry.get("piece_xxh3", ""), entry["bytes"])


def _copy_folder(folder: StoredFolder, manifest: bytes) -> Path:
    """The folder of a version. Other versions have others, so that their open files stay.

    Pages and messages show its name, so it is that of the dataset in the store.
    """
    digest = hashlib.sha256(f"{folder}\0".encode() + manifest).hexdigest()
    return cache_folder() / DATASETS / digest[:32] / (PurePosixPath(str(folder)).name or "dataset")


class _Fetch:
    """Copies a dataset and its parts. `faults`: all damaged files, if all is fetched anew."""

    def __init__(self, folder: StoredFolder, copy: Path, parts: Parts) -> None:
        self._folder, self._copy, self._parts = folder, copy, parts
        self._there = folder.list_files()
        self.faults: list[str] = []

    def fetch(self, below: str, content: bytes) -> list[int]:
        """Copies the dataset with this manifest; `below`: where it is. Returns the sizes."""
        directory = self._inside(below)
        directory.mkdir(parents=True, exist_ok=True)
        # First, because it says what the files must be; a copy without all of them is completed.
        write_atomically(directory / MANIFEST, content)
        try:
            manifest = read_manifest(directory)
        except SftdataError as error:  # the user knows the address, not the copy
            message = str(error).replace(
                str(directory / MANIFEST), f"{self._folder}/{below}{MANIFEST}"
            )
            raise type(error)(message, code=error.code) from None
        fetched = []
        recorded = list_files(manifest)
        for name in sorted(list_paths(manifest)):
            if PurePosixPath(name).name == MANIFEST:
                continue
            entry = recorded.get(name)
            can_wait = _has_pieces(entry) if entry is not None else name == journal_path(manifest)
            try:
                if entry is not None:
                    self._check_size(below + name, entry)
                elif below + name not in self._there:
                    continue
                if not (can_wait and self._parts == "no shards"):
                    fetched += self._fetch_file(below + name, entry)
            except VerificationError as error:
                if self._parts != "anew":
                    raise
                self.faults.append(str(error).splitlines()[0])
        for part in manifest.part_names:
            inner = f"{below}{PARTS}/{part}/"
            part_content = self._folder.read(f"{inner}{MANIFEST}")
            if part_content is not None:
                fetched += self.fetch(inner, part_content)
        return fetched

    def _fetch_file(self, name: str, entry: Mapping[str, Any] | None) -> list[int]:
        """Copies a file that is not there yet; its size. `entry`: as the manifest records it."""
        path = self._inside(name)
        partial = path.with_name(f"{path.name}{PART}")
        is_there = path.is_file() and path.stat().st_size == self._there[name].bytes
        if self._parts == "anew":
            partial.unlink(missing_ok=True)
        elif is_there:
            return []
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry is not None and _has_pieces(entry):
            return [self._complete(name, path, partial, entry)]
        digest, written = hashlib.sha256(), 0
        with self._folder.open(name) as stream, replacing(path) as file:
            while block := stream.read(_BLOCK_BYTES):
                written += file.write(block)
                digest.update(block)
            if entry is not None and digest.hexdigest() != entry["sha256"]:
                raise _differs(f"{self._folder}/{name}")
        return [written]

    def _complete(self, name: str, path: Path, partial: Path, entry: Mapping[str, Any]) -> int:
        """Fetches the pieces that are missing in the copy; so a killed command goes on here."""
        size = entry["bytes"]
        pieces = PartialFile(self._folder, name, partial, size, entry["piece_xxh3"])
        fetched = pieces.fetch(0, size)
        if pieces.sha256() != entry["sha256"]:
            raise _differs(f"{self._folder}/{name}")
        with contextlib.suppress(FileNotFoundError):  # another process completed it
            partial.replace(path)
        return fetched

    def _check_size(self, name: str, entry: Mapping[str, Any]) -> None:
        if name not in self._there:
            raise VerificationError(f"{self._folder}/{name}: the file is missing.", MEND)
        size = self._there[name].bytes
        if size != entry["bytes"]:
            raise VerificationError(
                f"{self._folder}/{name}: {size:,} bytes; the manifest says {entry['bytes']:,}.",
                MEND,
            )

    def _inside(self, name: str) -> Path:
        """The place of a file in the copy. Raises `VerificationError` for one outside of it."""
        path = self._copy / name
        if not path.resolve().is_relative_to(self._copy.resolve()):
            raise VerificationError(
                f"{self._folder}: the manifest names '{escape(name)}', outside of the dataset.",
                "It was made to harm. Build the dataset yourself.",
            )
        return path


def _differs(file: str) -> VerificationError:
    return VerificationError(f"{file}: not the content of the build (the digest differs).", MEND)
