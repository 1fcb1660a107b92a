"""The directory of a dataset: lock it, read it, check that it is whole, tidy it."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftdata.base.cache import remember_files, untouched
from sftdata.base.files import is_intact, write_atomically
from sftdata.errors import SftdataError
from sftdata.spec.model import Mixture, Spec
from sftdata.writing import card
from sftdata.writing import manifest as manifest_file
from sftdata.writing.manifest import LEDGERS, POOLS, Manifest, ledger_path, read_manifest

if TYPE_CHECKING:
    from sftdata.base.reporting import Report

_LOCK = ".lock"


@contextmanager
def _lock(directory: Path, report: Report) -> Iterator[None]:
    """One build at a time in a directory; a second one waits and then starts from its result.

    The system releases the lock with the process, however that ends.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"waiting for another build in {directory}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _current(directory: Path) -> Manifest | None:
    try:
        return read_manifest(directory)
    except SftdataError:
        return None  # none, or one that cannot be read: the build makes a new one


def _is_whole(manifest: Manifest) -> bool:
    """Whether every file of the dataset is there, each shard with the bytes it was given."""
    known = untouched(manifest.directory)
    ledger = manifest.directory / ledger_path(manifest["build"])
    return ledger.is_file() and all(
        shard["path"] in known or _is_intact(manifest.directory / shard["path"], shard)
        for split in manifest["splits"].values()
        for shard in split["shards"]
    )


def _is_intact(path: Path, shard: Mapping[str, Any]) -> bool:
    return (
        path.is_file()
        and path.stat().st_size == shard["bytes"]
        and is_intact(path, shard["bytes"], shard.get("xxh3", ""))
    )


def _tidy(manifest: Manifest, spec: Spec | Mixture) -> None:
    """Brings the card up to date and removes what is of no build that is committed.

    Then it remembers the shards, whose bytes were checked or just written.

    Whoever has the files of an earlier build open or mapped keeps them.
    """
    directory, build = manifest.directory, manifest["build"]
    files = card.render_files(spec, manifest.content)
    for name, data in files.items():
        path = directory / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, data)
    for name in (*files, manifest_file.FILE):
        path = directory / name
        for temporary in path.parent.glob(f".{path.name}.*"):
            temporary.unlink()
    for folder in (directory / "shards").iterdir():
        if folder.name != build:
            shutil.rmtree(folder)
    for kind in (LEDGERS, POOLS):
        for path in (directory / kind).glob("*"):
            if path.stem != build:
                path.unlink()
    splits = manifest["splits"].values()
    remember_files(directory, [shard["path"] for split in splits for shard in split["shards"]])
