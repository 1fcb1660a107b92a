"""Folders that `datasets.save_to_disk` wrote: a dataset, or a dictionary of them by split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sftdata.errors import GoldenSetError


def list_splits(folder: Path) -> list[str] | None:
    """The splits of a saved dictionary of datasets; None for another folder."""
    members = folder / "dataset_dict.json"
    if not members.is_file():
        return None
    return [str(split) for split in _read(members).get("splits", ())]


def list_files(name: str, folder: Path) -> tuple[Path, ...]:
    """The Arrow files of one saved dataset, in order.

    Raises `GoldenSetError` for a folder without `state.json`, or with rows in another order than
    that of the files.
    """
    state_file = folder / "state.json"
    if not state_file.is_file():
        raise GoldenSetError(
            f"{name}: a folder without state.json, so not one that datasets.save_to_disk wrote.",
            f"For all files of one kind in it write, for example: --data '{name}/*.jsonl'",
            code="E203",
        )
    state = _read(state_file)
    # Written by early versions of `datasets` for selected, filtered, sorted or shuffled rows.
    if any(state.get(key) for key in ("_indices_data_files", "_indices_files")):
        raise GoldenSetError(
            f"{name}: state.json lists a file of indices: the dataset is a selection of the rows "
            "in its files, and sftdata would read all of them.",
            "Write the selected rows, with the version of datasets that saved it: "
            "dataset.flatten_indices().save_to_disk(FOLDER)",
            code="E203",
        )
    try:
        return tuple(folder / str(entry["filename"]) for entry in state["_data_files"])
    except (KeyError, TypeError) as error:
        raise GoldenSetError(
            f"{state_file}: it does not list its data files.",
            "Save the dataset again.",
            code="E203",
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise GoldenSetError(
            f"{path}: not JSON: {error}", "Save the dataset again.", code="E203"
        ) from error
    return content if isinstance(content, dict) else {}
