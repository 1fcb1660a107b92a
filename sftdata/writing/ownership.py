"""Which files in a directory are ours: a build writes into, and removes, nothing else.

A directory is ours if it holds our manifest, or our lock file (a first build was killed there).
Foreign files beside our own are never read, changed or removed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sftdata.base.escaping import escape
from sftdata.base.wording import list_names
from sftdata.errors import SftdataError
from sftdata.writing.manifest import LEDGERS, MANIFEST, PARTS, POOLS, SHARDS, read_manifest

LOCK = ".lock"
LOCK_TEXT = b"The lock of an sftdata build. It may be deleted while no build runs.\n"
CARD_MARK = b"\nBuilt by sftdata as `"  # in every dataset card that we write

# Files that file managers put into any folder.
CLUTTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})
FOLDERS = (SHARDS, LEDGERS, POOLS, PARTS, "plots")
_BUILD = re.compile(r"(?:[0-9a-f]{16}|unfinished)(?:\.\d+)?")  # name of a folder of shards
_SHARD_FILE = re.compile(r"journal\.jsonl|\w+-\d{5}\.arrow")
_BUILD_FILE = re.compile(r"[0-9a-f]{16}\.arrow")  # a ledger or a pool of shots
_SHOWN = 3


def check_ownership(directory: Path) -> None:
    """Raises `SftdataError` unless `directory` is new, empty or ours, and has no links inside."""
    if not directory.exists():
        return
    if not directory.is_dir():
        raise SftdataError(
            f"{escape(str(directory))} is a file.",
            "Choose a new or empty folder with --out.",
            code="E105",
        )
    for name in (*FOLDERS, MANIFEST, LOCK, "README.md"):
        if (directory / name).is_symlink():
            raise SftdataError(
                f"{escape(str(directory / name))} is a symbolic link. A build follows no link, so "
                "that it cannot change files elsewhere.",
                "Remove the link, or choose another folder with --out.",
                code="E105",
            )
    others = sorted(
        path.name
        for path in directory.iterdir()
        if path.name not in CLUTTER and not _is_begun_lock(path)
    )
    if others and not is_ours(directory):
        shown = list_names(others, _SHOWN, quote="'")
        raise SftdataError(
            f"{escape(str(directory))} is neither empty nor a dataset of sftdata: it holds "
            f"{shown}.",
            "Choose a new or empty folder with --out.",
            code="E105",
        )


def is_ours(directory: Path) -> bool:
    """Whether `directory` holds our manifest or our lock file."""
    lock = directory / LOCK
    if lock.is_file() and not lock.is_symlink() and lock.read_bytes().startswith(LOCK_TEXT):
        return True
    try:
        read_manifest(directory)
    except SftdataError:
        return False
    return True


def is_our_card(path: Path) -> bool:
    """Whether `path` is a dataset card that we wrote, or there is no file."""
    return not path.exists() or (path.is_file() and CARD_MARK in path.read_bytes())


def list_build_files(directory: Path) -> list[Path]:
    """Shards, journals, ledgers and pools of every build in `directory`."""
    files: list[Path] = []
    for folder in _entries(directory / SHARDS):
        if _BUILD.fullmatch(folder.name):
            files += [path for path in _entries(folder) if _SHARD_FILE.fullmatch(path.name)]
    for kind in (LEDGERS, POOLS):
        files += [p for p in _entries(directory / kind) if _BUILD_FILE.fullmatch(p.name)]
    return [path for path in files if path.is_file() and not path.is_symlink()]


def is_build_file(name: str) -> bool:
    """Whether a path in a dataset, or in a part of one, is that of a file of some build."""
    pieces = name.split("/")
    match pieces[2:] if pieces[0] == PARTS else pieces:
        case [kind, build, file] if kind == SHARDS:
            return bool(_BUILD.fullmatch(build) and _SHARD_FILE.fullmatch(file))
        case [kind, file] if kind in (LEDGERS, POOLS):
            return _BUILD_FILE.fullmatch(file) is not None
    return False


def remove_empty_folders(directory: Path) -> None:
    """Removes the folders of ours in `directory` that hold nothing, also those of parts."""
    for part in _entries(directory / PARTS):
        if part.is_dir() and not part.is_symlink():
            remove_empty_folders(part)
            _remove_if_empty(part)
    for folder in _entries(directory / SHARDS):
        if _BUILD.fullmatch(folder.name):
            _remove_if_empty(folder)
    for name in FOLDERS:
        _remove_if_empty(directory / name)


def remove_other_builds(directory: Path, build: str) -> None:
    """Removes shards, ledgers and pools of every build in `directory` but `build`."""
    for folder in _entries(directory / SHARDS):
        if folder.name != build and _BUILD.fullmatch(folder.name):
            remove_shards(folder)
    for kind in (LEDGERS, POOLS):
        for path in _entries(directory / kind):
            if path.stem != build and _BUILD_FILE.fullmatch(path.name) and path.is_file():
                path.unlink()


def remove_shards(folder: Path) -> None:
    """Removes the shards and the journal in the folder of a build, then the folder if empty."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for path in folder.iterdir():
        if _SHARD_FILE.fullmatch(path.name) and (path.is_file() or path.is_symlink()):
            path.unlink()
    _remove_if_empty(folder)


def remove_dataset(directory: Path) -> None:
    """Removes a dataset of ours: the part of a mixture that is no longer in it.

    Foreign files stay where they are.
    """
    if not directory.is_dir() or directory.is_symlink() or not is_ours(directory):
        return
    remove_other_builds(directory, build="")
    for path in _entries(directory / "plots"):
        if path.suffix == ".svg" and path.is_file():
            path.unlink()
    card = directory / "README.md"
    if card.is_file() and is_our_card(card):
        card.unlink()
    for folder in FOLDERS:
        _remove_if_empty(directory / folder)
    for name in (MANIFEST, LOCK):  # last: until then the directory is known to be ours
        (directory / name).unlink(missing_ok=True)
    _remove_if_empty(directory)


def remove_failed_build(directory: Path, made: Sequence[Path]) -> None:
    """Removes the files of a first build that failed before its first block; `made`: its folders.

    Blocks that are done stay, for the next build.
    """
    if (directory / MANIFEST).exists() or not is_ours(directory):
        return
    for folder in _entries(directory / SHARDS):
        if _BUILD.fullmatch(folder.name) and not any(
            path.stat().st_size for path in _entries(folder)
        ):
            remove_shards(folder)
    for name in FOLDERS:
        _remove_if_empty(directory / name)
    if not any((directory / name).exists() for name in FOLDERS):
        (directory / LOCK).unlink()
        for folder in made:
            _remove_if_empty(folder)


def _is_begun_lock(path: Path) -> bool:
    """Whether `path` is a lock file that a killed build left empty or half written."""
    return path.name == LOCK and path.is_file() and LOCK_TEXT.startswith(path.read_bytes())


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()
