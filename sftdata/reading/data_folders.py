"""Folders of data files: the files of one kind in them, in the order of their names."""

from __future__ import annotations

from pathlib import Path

from sftdata.base.escaping import escape
from sftdata.base.wording import list_names
from sftdata.errors import GoldenSetError
from sftdata.reading.compression import SUFFIXES, unreadable
from sftdata.reading.containers import FORMATS

# Written beside the data by `datasets`; they hold no rows.
_METADATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
_SHOWN = 3


def list_data_files(name: str, folder: Path) -> tuple[list[str], str | None]:
    """The names of the data files in a folder, and a note that names what is not read.

    Hidden files are left out. Raises `GoldenSetError` for a folder without data files, or with
    files of several kinds.
    """
    shown = escape(name)
    try:
        entries = sorted(entry for entry in folder.iterdir() if entry.name[0] not in "._")
    except OSError as error:
        raise unreadable(shown, None, error) from error
    kinds: dict[str, list[str]] = {}
    left: list[str] = []
    for entry in entries:
        kind = None if entry.is_dir() or entry.name in _METADATA else _kind(entry)
        if kind is not None:
            kinds.setdefault(kind, []).append(entry.name)
        elif entry.is_dir():
            left.append(f"{entry.name}/")
        elif entry.name not in _METADATA:
            left.append(entry.name)
    if not kinds:
        held = f"it holds {list_names(left, _SHOWN)}" if left else "it is empty"
        raise GoldenSetError(
            f"{shown}: the folder holds no file of rows; {held}.",
            f"Known: {', '.join(FORMATS)}. For files in sub-folders write, for example: "
            f"--data '{shown}/**/*.parquet'",
        )
    if len(kinds) > 1:
        held = "; ".join(
            f"{kind}: {list_names(files, _SHOWN)}" for kind, files in sorted(kinds.items())
        )
        suffix = Path(next(iter(kinds.values()))[0]).suffix
        raise GoldenSetError(
            f"{shown}: the folder holds files of several kinds. {held}.",
            f"Name those of one kind, for example: --data '{shown}/*{suffix}'",
        )
    (files,) = kinds.values()
    return files, f"Not read from {shown}: {list_names(left, _SHOWN)}." if left else None


def _kind(path: Path) -> str | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in SUFFIXES:
        suffixes.pop()
    return FORMATS.get(suffixes[-1]) if suffixes else None
