"""The check on held-out rows that are nearly rows of another split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sftdata.inspecting.doctor.batch import RowBatch
from sftdata.inspecting.doctor.check import DatasetCheck, Hits
from sftdata.inspecting.doctor.dataset import CheckedDataset
from sftdata.inspecting.doctor.shingles import BandIndex, ShingledRows, shingle_rows

_ALIKE = 0.8  # Jaccard similarity of the shingles of two rows
_ONLY_TARGET = -1  # instead of a number of tokens to skip
_SAMPLE_ROWS = 256  # of each split, to learn the tokens that a template's prompts share


@dataclass(frozen=True, slots=True)
class _Match:
    """The row that another is nearly equal to."""

    place: int
    similarity: float


def _near_duplicates(dataset: CheckedDataset) -> Hits | None:
    """Rows of all splits but the largest that are nearly rows of another split.

    Compared is the text after the start that all prompts of the template share. When prompts hold
    shots, which are rows of the training split, only the targets are compared.
    """
    sizes = {name: len(split) for name, split in dataset.data.items()}
    if sum(size > 0 for size in sizes.values()) < 2:
        return None
    largest = max(sizes, key=lambda name: sizes[name])
    skip = _tokens_to_skip(dataset)
    # Index the smaller splits, then stream the largest: only the smaller ones stay in memory.
    held = [
        (rows.split, shingle_rows(rows, first, skip))
        for first, rows in dataset.batches()
        if rows.split != largest
    ]
    index = BandIndex([shingled for _, shingled in held])
    matches: dict[int, _Match] = {}
    for first, rows in dataset.batches():
        if rows.split == largest:
            shingled = shingle_rows(rows, first, skip)
            for row, place in index.look_up(shingled):
                _compare(dataset, skip, place, shingled, row, matches)
    for split, shingled in held:
        for row, place in index.look_up(shingled):
            if _split_at(dataset, place) != split:
                _compare(dataset, skip, place, shingled, row, matches)
    if not matches:
        return None
    places = np.array(sorted(matches), np.int64)
    return Hits(places, _describe(dataset, int(places[0]), matches[int(places[0])]))


def _compare(
    dataset: CheckedDataset,
    skip: Mapping[str, int],
    place: int,
    shingled: ShingledRows,
    row: int,
    matches: dict[int, _Match],
) -> None:
    """Adds the row at `place` to the matches if it is nearly row `row` of `shingled`."""
    if place in matches:
        return
    a, b = _shingles_at(dataset, skip, place), shingled.shingles(row)
    common = len(np.intersect1d(a, b, assume_unique=True))
    similarity = common / max(1, len(a) + len(b) - common)
    if similarity >= _ALIKE:
        matches[place] = _Match(int(shingled.places[row]), similarity)


def _describe(dataset: CheckedDataset, place: int, match: _Match) -> str:
    (row_id,), (other_id,) = (dataset.row_ids(np.array([at])) for at in (place, match.place))
    return (
        f"'{row_id}' in {_split_at(dataset, place)} is {match.similarity:.0%} like '{other_id}' "
        f"in {_split_at(dataset, match.place)}"
    )


def _shingles_at(
    dataset: CheckedDataset, skip: Mapping[str, int], place: int
) -> npt.NDArray[np.uint64]:
    for split in dataset.data.values():
        if place < len(split):
            batch = split[place : place + 1].to_arrow().combine_chunks().to_batches()[0]
            rows = RowBatch(split.name, batch, dataset.context, {})
            return shingle_rows(rows, 0, skip).shingles(0)
        place -= len(split)
    raise IndexError(place)


def _split_at(dataset: CheckedDataset, place: int) -> str:
    for name, split in dataset.data.items():
        if place < len(split):
            return name
        place -= len(split)
    raise IndexError(place)


def _tokens_to_skip(dataset: CheckedDataset) -> dict[str, int]:
    """For each template the number of tokens that all its prompts begin with, or `_ONLY_TARGET`."""
    manifest, names = dataset.data.manifest, dataset.rows.template_names
    parts = [part["spec"] for part in manifest.content.get("spec", {}).get("sources", ())]
    # Each row may draw its number of shots from several numbers.
    numbers_of_shots = [options.get("shots") or () for options in (manifest["options"], *parts)]
    if any(any(numbers) for numbers in numbers_of_shots):
        return dict.fromkeys(names, _ONLY_TARGET)
    shared: dict[str, int] = {}
    firsts: dict[str, npt.NDArray[np.int32]] = {}
    for split in dataset.data.values():
        for example in split[:_SAMPLE_ROWS]:
            name, prompt = example.template, example.input_ids[: example.target_start]
            first = firsts.setdefault(name, prompt)
            if np.array_equal(first, prompt):
                continue
            size = min(len(first), len(prompt))
            differs = np.flatnonzero(first[:size] != prompt[:size])
            common = int(differs[0]) if len(differs) else size
            shared[name] = min(shared.get(name, common), common)
    return {name: shared.get(name, 0) for name in names}


CHECKS = (
    DatasetCheck(
        "near-duplicate-across-splits",
        "warning",
        "held-out examples that are nearly examples of another split",
        "Give the rows that belong together one group in the spec (group = COLUMN), or drop them.",
        _near_duplicates,
    ),
)
