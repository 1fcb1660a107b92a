"""Find and remove the files of a dataset's folder that its manifest does not refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from sftdata.base.files import is_temporary
from sftdata.base.new_folder import find_unfinished, remove_unfinished
from sftdata.loading.packing import FOLDER as PACKS
from sftdata.writing.dataset_files import list_paths
from sftdata.writing.manifest import (
    MANIFEST,
    PARTS,
    Manifest,
    read_manifest,
)
from sftdata.writing.ownership import is_ours, list_build_files, remove_empty_folders

_PLAN = re.compile(r"(?P<plan>\d+-\w+\.arrow)(\.sha256)?")
# Folders of a dataset in which a killed command may have left a temporary file.
_WITH_TEMPORARIES = ("", PACKS, "plots")


@dataclass(frozen=True, slots=True)
class Garbage:
    """A file or an unfinished folder that can be removed."""

    path: Path
    bytes: int
    reason: str


def find_garbage(directory: Path) -> list[Garbage]:
    """Files of earlier and killed builds, pack plans of other builds, and parts no longer mixed.

    Also the unfinished folder of a killed export or merge to `directory`, or to a folder in it.
    Foreign files are not garbage. No build may run in `directory` meanwhile.
    Raises `SftdataError` for a folder that is not ours, or a manifest that cannot be read.
    """
    left = [
        Garbage(folder, _size_of(folder), "an unfinished export or merge")
        for folder in find_unfinished(directory)
    ]
    if left and not (is_ours(directory) or (directory / MANIFEST).exists()):
        return left
    manifest = None
    if (directory / MANIFEST).exists() or not is_ours(directory):
        manifest = read_manifest(directory)
    return [
        Garbage(path, path.lstat().st_size, reason) for path, reason in _find(directory, manifest)
    ] + left


def _size_of(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _find(directory: Path, manifest: Manifest | None) -> Iterator[tuple[Path, str]]:
    kept: set[Path] = set()
    if manifest is not None:
        kept = {directory / path for path in list_paths(manifest)}
    for path in list_build_files(directory):
        if path not in kept:
            is_unfinished = path.parent.name.startswith("unfinished")
            yield path, "an unfinished build" if is_unfinished else "another build"
    for path in sorted((directory / PACKS).glob("*")):
        plan = _PLAN.fullmatch(path.name)
        if plan and path.is_file() and not _is_of(manifest, path.with_name(plan["plan"])):
            yield path, "a pack plan of another build"
    for folder in _WITH_TEMPORARIES:
        for path in sorted((directory / folder).glob(".*")):
            if is_temporary(path) and path.is_file():
                yield path, "a temporary file"
    for part in sorted((directory / PARTS).glob("*")):
        if part.is_dir() and not part.is_symlink() and is_ours(part):
            is_used = manifest is not None and part.name in manifest.part_names
            if is_used or manifest is None:
                yield from _find(part, _read(part))
            else:
                yield from ((path, "a part that is no longer mixed") for path in _all_files(part))


def _read(part: Path) -> Manifest | None:
    return read_manifest(part) if (part / MANIFEST).exists() else None


def _all_files(part: Path) -> Iterator[Path]:
    """Our files of a part, its manifest last: until then the folder is known to be ours."""
    yield from list_build_files(part)
    yield from (path for path in sorted((part / "plots").glob("*.svg")) if path.is_file())
    yield from (part / name for name in (MANIFEST, ".lock") if (part / name).is_file())


def _is_of(manifest: Manifest | None, plan: Path) -> bool:
    """Whether a pack plan was made for the build of the manifest."""
    try:
        with pa.memory_map(str(plan)) as mapped:
            metadata = pa.ipc.open_file(mapped).schema.metadata or {}
    except (OSError, ValueError, pa.ArrowException):
        return False
    return manifest is not None and metadata.get(b"build") == manifest["build"].encode()


def remove_garbage(directory: Path, found: list[Garbage]) -> None:
    """Removes what was found, and the folders of ours that are empty then."""
    for garbage in found:
        if garbage.path.is_dir():
            remove_unfinished(garbage.path)
        else:
            garbage.path.unlink(missing_ok=True)
    remove_empty_folders(directory)
