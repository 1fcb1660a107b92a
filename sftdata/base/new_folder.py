"""A folder that appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sftdata.base.escaping import escape
from sftdata.base.files import sync
from sftdata.base.full_disk import with_place
from sftdata.errors import SftdataError

_SUFFIX = ".sftdata-unfinished"


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `path` at the end; `path` must be missing or empty.

    After an error nothing is left. The next call for `path` removes the leftovers of a killed one.
    """
    shown, path = path, path.resolve()
    made = [folder for folder in path.parents if not folder.exists()]
    unfinished = path.with_name(f".{path.name}{_SUFFIX}")
    path.parent.mkdir(parents=True, exist_ok=True)
    is_empty_folder = path.is_dir()
    if is_empty_folder:
        _check_replaceable(path)
    try:
        with _locked(unfinished, path):
            _remove_entries(unfinished)
            if is_empty_folder:
                unfinished.chmod(path.stat().st_mode)
            yield unfinished
            for folder, _, names in os.walk(unfinished, topdown=False):
                for name in names:
                    sync(Path(folder, name))
                sync(Path(folder))
            unfinished.rename(path)
        sync(path.parent)
    except BaseException as error:
        for parent in made:
            with contextlib.suppress(OSError):  # a folder with files stays
                parent.rmdir()
        if isinstance(error, OSError) and error.errno:
            place = str(error.filename or shown).replace(str(unfinished), str(shown))
            raise with_place(error, place) from error
        raise


def find_unfinished(path: Path) -> list[Path]:
    """What killed calls left: for `path` itself, and for folders in it."""
    found = [path.with_name(f".{path.name}{_SUFFIX}")] if path.name else []
    found += sorted(path.glob(f".*{_SUFFIX}"))
    return [folder for folder in found if _try(folder, lambda: None)]


def remove_unfinished(folder: Path) -> None:
    """Removes a folder that `find_unfinished` found, unless a process fills it by now."""
    _try(folder, lambda: shutil.rmtree(folder))


def _try(folder: Path, action: Callable[[], None]) -> bool:
    """Does it while no other process holds the folder; whether that was so."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        action()
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


@contextmanager
def _locked(folder: Path, path: Path) -> Iterator[None]:
    """Makes `folder` for one process alone; an error removes it."""
    folder.mkdir(exist_ok=True)
    with lock_folder(folder, path):
        try:
            yield
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


@contextmanager
def lock_folder(folder: Path, shown: Path) -> Iterator[None]:
    """Keeps every other process that locks `folder` out.

    Raises `SftdataError`, with the name `shown`, when one has locked it. A file system without
    locks keeps nobody out.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SftdataError(
                f"Another process writes {escape(str(shown))}.",
                "Wait for it, or choose another folder with --out.",
                code="E106",
            ) from error
        except OSError:
            pass
        yield
    finally:
        os.close(handle)


def _remove_entries(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _check_replaceable(path: Path) -> None:
    """Raises `SftdataError` for an empty folder that another folder cannot take the place of."""
    mode = path.stat().st_mode
    if path == Path.cwd():
        raise SftdataError(
            "The files appear all at once, as a new folder, so they cannot be written into the "
            "working directory.",
            "Name a folder in it: --out NAME",
            code="E105",
        )
    try:
        path.rmdir()
        path.mkdir(mode)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        raise SftdataError(
            f"{escape(str(path))} is a mount point. The files appear all at once, as a new folder, "
            "which cannot take its place.",
            f"Name a folder in it: --out {escape(str(path / 'NAME'))}",
            code="E105",
        ) from error
