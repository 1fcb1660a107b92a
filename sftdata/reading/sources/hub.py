"""Datasets of the Hugging Face Hub: the Arrow files that `datasets` keeps of each split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sftdata.errors import GoldenSetError
from sftdata.spec.presets import HUB, parse_hub_item

if TYPE_CHECKING:
    from datasets import Dataset

_NAMES = "hf:NAME, hf:NAME@CONFIG, hf:NAME:SPLIT or hf:NAME@CONFIG:SPLIT"


@dataclass(frozen=True, slots=True)
class HubSplit:
    """Rows of one split, in the files that `datasets` caches."""

    name: str  # the item that reads these rows
    split: str
    files: tuple[Path, ...]
    rows: tuple[int, int] | None  # first, and the one after the last; None: all


def load_hub_splits(item: str) -> list[HubSplit]:
    """The splits that `hf:NAME[@CONFIG][:SPLIT]` names; without SPLIT, all of them.

    SPLIT may have slices, such as `train[:50%]` or `train[:10]+test[-5:]`: `datasets` says which
    rows they are. The first use downloads.
    Raises `GoldenSetError` when the dataset cannot be loaded, or has no such split or rows.
    """
    import datasets

    name, config, wanted = parse_hub_item(item)
    if not name:
        raise GoldenSetError(f"'{item}' names no dataset.", f"Write one of {_NAMES}.", code="E201")
    try:
        # Small datasets would stay in memory without a file, if the user has set that.
        found = datasets.load_dataset(name, config or None, keep_in_memory=False)
    except Exception as error:  # it raises a dozen kinds, also of its HTTP library
        raise GoldenSetError(
            f"'{item}' cannot be loaded: {type(error).__name__}: {error}",
            f"Check the connection and the name: {_NAMES}.",
            code="E202",
        ) from error
    if not wanted:
        place = f"{HUB}{name}" + (f"@{config}" if config else "")
        return [HubSplit(f"{place}:{s}", str(s), _files(item, d), None) for s, d in found.items()]
    sizes = {str(split): dataset.num_rows for split, dataset in found.items()}
    try:
        parts = datasets.ReadInstruction.from_spec(wanted).to_absolute(sizes)
    except (ValueError, AssertionError) as error:
        raise GoldenSetError(
            f"'{item}' cannot be read: {error}",
            f"Its splits: {', '.join(f'{s} ({n:,} rows)' for s, n in sizes.items())}. "
            "Slices: train[:50%], train[10:20], train[:10]+test[:5].",
            code="E202",
        ) from error
    pieces = []
    for part in parts:
        rows = (part.from_, part.to)
        if part.from_ >= part.to:
            raise GoldenSetError(
                f"'{item}' names no rows: '{part.splitname}' has {sizes[part.splitname]:,}.",
                "Give another slice.",
                code="E201",
            )
        is_whole = rows == (0, sizes[part.splitname])
        files = _files(item, found[part.splitname])
        pieces.append(HubSplit(item, part.splitname, files, None if is_whole else rows))
    return pieces


def _files(item: str, dataset: Dataset) -> tuple[Path, ...]:
    files = tuple(Path(entry["filename"]) for entry in dataset.cache_files)
    if not files or dataset._indices is not None:
        raise GoldenSetError(
            f"'{item}': datasets does not keep its rows as they are in files.",
            "Save it with save_to_disk, and read that folder.",
            code="E202",
        )
    return files
