"""Folders of data files: the files of one kind in and below them, in the order of their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from sftdata.base.escaping import escape
from sftdata.base.wording import list_names
from sftdata.errors import GoldenSetError
from sftdata.reading.files.compression import SUFFIXES, unreadable
from sftdata.reading.files.containers import FORMATS

# Written beside the data by `datasets`; they hold no rows.
_METADATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
# In a folder that is a dataset of its own: written by `datasets`, or by sftdata.
_DATASETS = ("state.json", "dataset_dict.json", "manifest.json")
_SHOWN = 3


def list_data_files(name: str, folder: Path) -> tuple[list[str], str | None]:
    """The data files in and below a folder, by their paths in it, and a note about other files.

    Hidden files and folders are left out, and datasets in folders of their own. Raises
    `GoldenSetError` for a folder without data files, or with files of several kinds.
    """
    shown = escape(name.rstrip("/"))
    kinds: dict[str, list[str]] = {}
    left: list[str] = []
    try:
        for place, is_folder in _walk(folder, ""):
            kind = None if is_folder else _kind(PurePath(place))
            if kind is None:
                left.append(f"{place}/" if is_folder else place)
            else:
                kinds.setdefault(kind, []).append(place)
    except OSError as error:
        raise unreadable(shown, None, error) from error
    if not kinds:
        held = f"it holds {list_names(left, _SHOWN)}" if left else "it is empty"
        raise GoldenSetError(
            f"{shown}: the folder holds no file of rows; {held}.",
            f"Known: {', '.join(FORMATS)}.",
            code="E207",
        )
    if len(kinds) > 1:
        held = "; ".join(
            f"{kind}: {list_names(files, _SHOWN)}" for kind, files in sorted(kinds.items())
        )
        suffix = Path(next(iter(kinds.values()))[0]).suffix
        raise GoldenSetError(
            f"{shown}: the folder holds files of several kinds. {held}.",
            f"Name those of one kind, for example: --data '{shown}/**/*{suffix}'",
            code="E203",
        )
    (files,) = kinds.values()
    return files, _describe_left(shown, files, left)


def _walk(folder: Path, below: str) -> Iterator[tuple[str, bool]]:
    """The files below a folder, in order, and its sub-folders that are not looked into (true)."""
    for entry in sorted(folder.iterdir()):
        place = f"{below}{entry.name}"
        if entry.name[0] in "._" or entry.name in _METADATA:
            continue
        if not entry.is_dir():
            yield place, False
        elif entry.is_symlink() or any((entry / mark).is_file() for mark in _DATASETS):
            yield place, True
        else:
            yield from _walk(entry, f"{place}/")


def _describe_left(shown: str, files: Sequence[str], left: Sequence[str]) -> str | None:
    notes = []
    if left:
        notes.append(f"Not read from {shown}: {list_names(left, _SHOWN)}.")
    folders = (part for file in files for part in PurePath(file).parts[:-1])
    if partitions := list(dict.fromkeys(part.partition("=")[0] for part in folders if "=" in part)):
        notes.append(
            f"Not read from the names of the folders in {shown}: {list_names(partitions, _SHOWN)}. "
            "A column of the files is read, a part of a path is not."
        )
    return " ".join(notes) or None


def _kind(path: PurePath) -> str | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in SUFFIXES:
        suffixes.pop()
    return FORMATS.get(suffixes[-1]) if suffixes else None
