"""Put a dataset into an object store: its files first, then the manifest that names them.

A build for an address works in a folder of the cache. What it uploads has names that hold the
digest of its build, so no file that a reader may have open is ever replaced. The manifest is
written last, and only in the place of the one that was there when the build began.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sftdata.base.cache_folder import BUILDS, cache_folder
from sftdata.base.escaping import escape
from sftdata.base.stores import StoredFolder
from sftdata.base.wording import count, list_names, size
from sftdata.errors import SftdataError
from sftdata.writing import card
from sftdata.writing.dataset_files import journal_path, list_files, list_paths
from sftdata.writing.journal_lines import FILE as JOURNAL
from sftdata.writing.manifest import MANIFEST, PARTS, Manifest, parse_bytes, read_manifest
from sftdata.writing.ownership import CARD_MARK, FOLDERS

if TYPE_CHECKING:
    from sftdata.base.reporting import Report

_SHOWN = 3
_KEEP_NOTHING = {
    "memory": "it is in the memory of this process, so the dataset would be lost at its end",
    "http": "a web server takes no files",
    "https": "a web server takes no files",
}


def folder_to_write(address: str) -> StoredFolder:
    """The folder at an address. Raises `SftdataError` where no dataset can be kept."""
    scheme = address.partition("://")[0].lower()
    if scheme in _KEEP_NOTHING:
        raise SftdataError(
            f"'{escape(address)}': {_KEEP_NOTHING[scheme]}.",
            "Give a folder, or an address in an object store: s3://…, gs://…",
            code="E202",
        )
    return StoredFolder(address)


def working_folder(folder: StoredFolder) -> Path:
    """Where a dataset for this address is built; a killed build goes on from there.

    The folder around it is for the lock, which is held until the dataset is in the store.
    """
    digest = hashlib.sha256(str(folder).encode()).hexdigest()
    return cache_folder() / BUILDS / digest[:32] / "dataset"


def look_at(folder: StoredFolder) -> bytes | None:
    """The manifest in a folder that a build may write to; None if there is none yet.

    Raises `SftdataError` for a folder that holds other files than those of a dataset.
    """
    files = folder.list_files()
    if MANIFEST in files:
        return folder.read(MANIFEST)
    others = sorted(name for name in files if name.partition("/")[0] not in FOLDERS)
    if others:
        shown = list_names(others, _SHOWN, quote="'")
        raise SftdataError(
            f"{folder} is neither empty nor a dataset of sftdata: it holds {shown}.",
            "Choose a new or empty folder with --out.",
            code="E105",
        )
    return None


def parse_manifest(folder: StoredFolder, content: bytes | None) -> Manifest | None:
    """The manifest of the dataset in the folder; None if there is none or it cannot be read."""
    if content is None:
        return None
    try:
        return parse_bytes(Path(str(folder)), content)
    except ValueError:
        return None


def is_whole_in(folder: StoredFolder, manifest: Manifest) -> bool:
    """Whether every file of the dataset in the folder is there, in its size."""
    there = folder.list_files()
    has_journal = journal_path(manifest) in there or bool(manifest.part_names)
    return has_journal and all(
        name in there and there[name].bytes == entry["bytes"]
        for name, entry in list_files(manifest).items()
    )


def publish(manifest: Manifest, folder: StoredFolder, before: bytes | None, report: Report) -> bool:
    """Uploads a dataset that was built, and commits it; whether anything was missing there.

    `before`: the manifest that was there when the build began. Files that are there already, from
    an upload that was killed or from the same build, are not uploaded again.
    Raises `ReplacedError` when another build committed meanwhile, and `SftdataError` for a store
    that refuses; the dataset that was there stays readable.
    """
    there = folder.list_files()
    content = (manifest.directory / MANIFEST).read_bytes()
    sizes = {name: (manifest.directory / name).stat().st_size for name in _list_names(manifest)}
    missing = [name for name, size in sizes.items() if name not in there]
    # A journal also tells how the blocks were made, which another machine may do otherwise.
    differing = [
        name
        for name, size in sizes.items()
        if name in there and there[name].bytes != size and not name.endswith(JOURNAL)
    ]
    if content == before and not (missing or differing):
        return False
    missing += differing
    for name in missing:
        folder.upload(manifest.directory / name, name)
    folder.replace(MANIFEST, content, before)
    if CARD_MARK in (folder.read(card.FILE) or CARD_MARK):
        for name in _list_views(manifest.directory):
            folder.upload(manifest.directory / name, name)
    else:
        report(f"{folder}/{card.FILE} is not a dataset card of sftdata, so it stays as it is.")
    uploaded = size(sum(sizes[name] for name in missing))
    report(f"Uploaded {count(len(missing), 'file')}, {uploaded}, to {folder}.")
    return True


def _list_names(manifest: Manifest) -> Iterator[str]:
    """The files that hold the dataset, those of parts before the manifests of the parts."""
    for part in manifest.part_names:
        inner = read_manifest(manifest.directory / PARTS / part)
        yield from (f"{PARTS}/{part}/{name}" for name in _list_names(inner))
    paths = list_paths(manifest)
    yield from sorted(name for name in paths if (manifest.directory / name).is_file())


def _list_views(directory: Path) -> list[str]:
    """The card and its plots, which are made from the manifest and hold nothing of their own."""
    plots = sorted((directory / "plots").glob("*.svg"))
    return [card.FILE, *(f"plots/{path.name}" for path in plots)]
