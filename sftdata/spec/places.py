"""Paths in a spec: they are relative to the spec's file.

A path in a spec of `pipelines/` stays as it is written, because readers look beside the specs, too:
messages and manifests then show what the user wrote, from whichever folder the build is started.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sftdata.base.content import content_folders, in_project
from sftdata.base.files import exists, expand_home
from sftdata.base.stores import is_address
from sftdata.spec.data_items import expand_data, parse_data_item, split_sheet
from sftdata.spec.presets import HUB, PRESET

_LISTS = ("data", "against")
_ALONE = ("tokenizer", "chat_template")


def place_paths(values: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """The values of the spec in `file`, with paths that can be opened from the working directory.

    A path is looked up beside the file, then in the working directory, then in the root of the
    project.
    """
    folder = file.parent
    placed = dict(values)
    for key in _LISTS:
        items = expand_data(placed.get(key))
        if isinstance(items, (list, tuple)):
            placed[key] = [_place_item(item, folder) for item in items]
        elif isinstance(items, str):
            placed[key] = _place_item(items, folder)
    for key in _ALONE:
        if isinstance(placed.get(key), str):
            placed[key] = _place(placed[key], folder)
    sources = placed.get("sources")
    if isinstance(sources, list):
        placed["sources"] = [
            place_paths(source, file) if isinstance(source, dict) else source for source in sources
        ]
    return placed


def _place_item(item: Any, folder: Path) -> Any:
    if not isinstance(item, str) or item == "-" or _is_there(item, Path()):
        split, place = None, item
    else:
        split, place = parse_data_item(item)
    if not isinstance(place, str) or place.strip() in ("", "-") or place.startswith((HUB, PRESET)):
        return item
    if is_address(place):
        return item
    return _place(place, folder) if split is None else f"{split}={_place(place, folder)}"


def _place(path: str, folder: Path) -> str:
    """The path as the working directory sees it; as it is written where that is found as well."""
    if folder == Path() or expand_home(path).is_absolute():
        return path
    here = _is_there(path, Path())
    beside = _is_there(path, folder)
    is_found = folder.resolve() in [known.resolve() for known in content_folders("pipelines")]
    if beside:
        same = here and (folder / path).resolve() == Path(path).resolve()
        return path if same or (is_found and not here) else _join(folder, path)
    if not here and _is_there(path, in_project("")):
        return _join(in_project(""), path)
    return path


def _join(folder: Path, path: str) -> str:
    if folder.is_absolute() and folder.is_relative_to(Path.cwd()):
        folder = folder.relative_to(Path.cwd())
    return str(folder / path)


def _is_there(path: str, folder: Path) -> bool:
    place = str(folder / split_sheet(path)[0])
    return exists(Path(place)) or bool(glob.glob(place, recursive=True))  # noqa: PTH207
