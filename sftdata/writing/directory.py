"""The directory of a dataset: lock it, find what it holds, commit a build in it, tidy up.

A directory holds `manifest.json` and, named after its build, the shards, the ledger and the shots
that the manifest lists. A build writes those beside the old ones and then replaces the manifest.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sftdata.base.cache import record_files
from sftdata.base.files import remove_leftovers, sync, write_atomically
from sftdata.base.full_disk import with_place
from sftdata.base.sealed_json import FILES
from sftdata.errors import SftdataError
from sftdata.spec.model import Mixture, Spec
from sftdata.writing import card
from sftdata.writing.dataset_files import describe_files, journal_path, list_files
from sftdata.writing.manifest import (
    LEDGERS,
    MANIFEST,
    PARTS,
    POOLS,
    SHARDS,
    Manifest,
    ledger_path,
    pool_path,
    read_manifest,
    write_manifest,
)
from sftdata.writing.ownership import (
    LOCK,
    LOCK_TEXT,
    check_ownership,
    is_our_card,
    remove_failed_build,
    remove_other_builds,
)

if TYPE_CHECKING:
    from sftdata.base.reporting import Report
    from sftdata.examples.shots import ShotPool
    from sftdata.writing.ledger import Ledger


@contextmanager
def lock(directory: Path, report: Report) -> Iterator[None]:
    """Allows one build at a time in `directory`; a second one waits, then sees the first's result.

    Raises `SftdataError` for a directory that is not ours (see `ownership`).
    """
    check_ownership(directory)
    made = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    with hold_lock_file(directory, report):  # from here on the directory is ours
        try:
            yield
        except SftdataError:
            remove_failed_build(directory, made)
            raise


@contextmanager
def hold_lock_file(directory: Path, report: Report) -> Iterator[None]:
    """Waits for the lock of `directory`, and holds it.

    The operating system releases it when the process ends, however it ends.
    """
    handle = _acquire(directory, report)
    try:
        text = LOCK_TEXT + _describe_holder()
        os.pwrite(handle, text, 0)
        os.ftruncate(handle, len(text))
        yield
    finally:
        os.close(handle)


def _acquire(directory: Path, report: Report) -> int:
    """The handle of the lock file, once no other build holds it."""
    path = directory / LOCK
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 1000, len(LOCK_TEXT)).decode(errors="replace")
            report(f"waiting for another build in {directory}{holder.rstrip()}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        # A build that fails removes its lock file, also while we wait for it.
        if _is_at(handle, path):
            return handle
        os.close(handle)


def _describe_holder() -> bytes:
    """Who holds the lock, for the message of another process."""
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return f": process {os.getpid()} on {socket.gethostname()}, since {since}\n".encode()


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def naming_directory(directory: Path) -> Iterator[None]:
    """Names `directory` in an `OSError` without a file name, such as that of a failed write."""
    try:
        yield
    except OSError as error:
        raise with_place(error, error.filename or directory) from error


def current_manifest(directory: Path) -> Manifest | None:
    """The manifest of the dataset in `directory`; None if there is none or it cannot be read."""
    try:
        return read_manifest(directory)
    except SftdataError:
        return None  # the build writes a new one


def commit(manifest: Manifest, ledger: Ledger, pool: ShotPool | None = None) -> Manifest:
    """Makes a build the dataset of its directory; its shards must be on disk already.

    Writes the ledger and the pool of shots and has them on disk, too, before the manifest names
    them. After a crash either the old manifest stands or the new one, never a mixture. Returns the
    manifest as it was written, with the digests of these files and of the parts of a mixture.
    """
    directory, build = manifest.directory, manifest["build"]
    names = [ledger_path(build)]
    ledger.write(directory / names[0])
    if pool is not None:
        (directory / POOLS).mkdir(exist_ok=True)
        names.append(pool_path(build))
        pool.write(directory / names[-1])
        sync(directory / names[-1])
        sync(directory / POOLS)
    for folder in (SHARDS, LEDGERS):
        sync(directory / folder)
    names += [f"{PARTS}/{part}/{MANIFEST}" for part in manifest.part_names]
    files = describe_files(directory, names)
    return write_manifest(Manifest(directory, {**manifest.content, FILES: files}))


def tidy(manifest: Manifest, spec: Spec | Mixture, report: Report) -> None:
    """Updates the card, removes our files of other builds, and caches the stamps of the shards.

    The shards' bytes must have been checked or just written. A reader that has files of an earlier
    build open or mapped keeps them.
    """
    directory, build = manifest.directory, manifest["build"]
    files = card.render_files(spec, manifest.content)
    for name, data in files.items():
        path = directory / name
        if name == card.FILE and not is_our_card(path):
            report(f"{path} is not a dataset card of sftdata, so it stays as it is.")
            continue
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, data)
    for name in (*files, MANIFEST):
        remove_leftovers(directory / name)
    remove_other_builds(directory, build)
    names = [*list_files(manifest), journal_path(manifest)]
    record_files(directory, [name for name in names if (directory / name).is_file()])
