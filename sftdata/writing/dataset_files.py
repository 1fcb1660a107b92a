"""The files of a dataset beside its manifest: read and checked by the digests that it records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sftdata.base.cache import unchanged_files
from sftdata.base.files import is_intact, sha256_of
from sftdata.base.sealed_json import FILES
from sftdata.errors import SftdataError
from sftdata.writing.journal_lines import FILE as JOURNAL
from sftdata.writing.journal_lines import is_whole_journal
from sftdata.writing.manifest import (
    MANIFEST,
    PARTS,
    Manifest,
    ledger_path,
    pool_path,
    read_manifest,
    shards_path,
)

WAY_OUT = "Build the dataset again; intact parts are reused."


def describe_files(directory: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The manifest's entry `files`: size and digest of each, by its path in the dataset."""
    return {
        name: {
            "bytes": (directory / name).stat().st_size,
            "sha256": sha256_of(directory / name),
        }
        for name in names
    }


def list_files(manifest: Manifest) -> dict[str, Mapping[str, Any]]:
    """Every file that the manifest records: `bytes` and `sha256`, shards also `xxh3`, by path."""
    shards = [s for split in manifest["splits"].values() for s in split["shards"]]
    return {shard["path"]: shard for shard in shards} | dict(manifest.content.get(FILES, {}))


def list_paths(manifest: Manifest) -> set[str]:
    """The paths of all files of a build but its manifest; it may have no pool or journal.

    An earlier version did not record the ledger and the pool.
    """
    build = manifest["build"]
    return {*list_files(manifest), journal_path(manifest), ledger_path(build), pool_path(build)}


def is_whole(manifest: Manifest) -> bool:
    """Whether every file is there as recorded. Large ones are read if their stamps changed."""
    known = unchanged_files(manifest.directory)
    ledger = ledger_path(manifest["build"])
    return (
        (manifest.directory / ledger).is_file()
        and not any(
            name not in known and find_fault(manifest, name, entry, is_quick=True)
            for name, entry in list_files(manifest).items()
        )
        and (journal_path(manifest) in known or not find_journal_faults(manifest))
    )


def find_fault(
    manifest: Manifest, name: str, entry: Mapping[str, Any], *, is_quick: bool = False
) -> str | None:
    """The fault of a recorded file, or None. `is_quick`: compare only the fast digest."""
    path = manifest.directory / name
    if not path.is_file():
        return f"{path}: the file is missing"
    if not is_inside(manifest.directory, path):
        return f"{path}: a link to a file outside of the dataset"
    size = path.stat().st_size
    if size != entry["bytes"]:
        return f"{path}: {size:,} bytes; the manifest says {entry['bytes']:,}"
    digests = [is_intact(path, size, entry["xxh3"])] if "xxh3" in entry else []
    if not (is_quick and digests):
        digests.append(sha256_of(path) == entry["sha256"])
    return None if all(digests) else f"{path}: not the content of the build (the digest differs)"


def is_inside(directory: Path, path: Path) -> bool:
    """Whether `path`, links resolved, lies in `directory`."""
    return path.resolve().is_relative_to(directory.resolve())


def journal_path(manifest: Manifest) -> str:
    """Where the journal of the build is, relative to the dataset."""
    return f"{shards_path(manifest['build'])}/{JOURNAL}"


def find_file_faults(manifest: Manifest) -> Iterator[str]:
    """Every file that is missing, damaged or not of this build, a line each; those of parts, too.

    Reads all of them, whatever the cache says. Foreign files are ignored, and so are files of other
    builds: one may be running, or was killed. For the same reason a part may be newer than its
    mixture, which does not need it; the part itself must be intact.
    """
    parts = {f"{PARTS}/{name}/{MANIFEST}": name for name in manifest.part_names}
    files = list_files(manifest)
    for name, entry in files.items():
        if name not in parts and (fault := find_fault(manifest, name, entry)) is not None:
            yield fault
    yield from find_journal_faults(manifest)
    folder = manifest.directory / shards_path(manifest["build"])
    known = {manifest.directory / name for name in files}
    for path in sorted(folder.glob("*.arrow")):
        if path not in known:
            yield f"{path}: a shard that the manifest does not list"
    for part in parts.values() if FILES in manifest.content else ():
        try:
            yield from find_file_faults(read_manifest(manifest.directory / PARTS / part))
        except SftdataError as error:
            yield str(error).splitlines()[0]


def find_journal_faults(manifest: Manifest) -> list[str]:
    """A fault if the journal isn't the one that the build finished.

    A mixture has none; earlier versions didn't end theirs with a digest.
    """
    if FILES not in manifest.content or manifest.part_names:
        return []
    name = journal_path(manifest)
    if is_whole_journal((manifest.directory / name).parent, manifest["build"]):
        return []
    return [f"{manifest.directory / name}: not the journal of this build (missing or changed)"]
