"""The check on held-out rows that are nearly rows of another split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sftdata.base.arrow import numbers
from sftdata.base.schema import row_offsets
from sftdata.inspecting.doctor.batch import RowBatch
from sftdata.inspecting.doctor.check import DatasetCheck, Hits
from sftdata.inspecting.doctor.dataset import CheckedDataset
from sftdata.inspecting.doctor.shingles import (
    BandIndex,
    ShingledRows,
    find_similarities,
    join_shingled,
    shingle_rows,
)
from sftdata.loading.dataset import Dataset

ID = "near-duplicate-across-splits"
_ALIKE = 0.8  # Jaccard similarity of the shingles of two rows
_ONLY_TARGET = -1  # instead of a number of tokens to skip
_SAMPLE_ROWS = 256  # of each split, to learn the tokens that a template's prompts share
# Held-out rows that are compared with all others: their shingles take 8 bytes a token.
_MOST_ROWS = 100_000
_MOST_TOKENS = 16_000_000


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
    largest = _largest_split(dataset.data)
    if largest is None:
        return None
    skip, step = _tokens_to_skip(dataset), sample_step(dataset.data)
    # Index the smaller splits, then stream the largest: only the smaller ones stay in memory.
    by_split = _shingle_held_out(dataset, largest, step, skip)
    held = join_shingled(list(by_split.values()))
    split_of = np.repeat(np.arange(len(by_split)), [len(one.places) for one in by_split.values()])
    index = BandIndex(held)
    matches: dict[int, _Match] = {}
    is_open = np.ones(len(held.places), np.bool_)  # no match yet
    for first, rows in dataset.batches():
        if rows.split == largest:
            shingled = shingle_rows(rows, first + np.arange(len(rows)), skip)
            _compare(held, index, shingled, is_open, matches)
    for at, shingled in enumerate(by_split.values()):
        _compare(held, index, shingled, is_open & (split_of != at), matches)
        is_open &= ~np.isin(held.places, list(matches))
    if not matches:
        return None
    places = np.array(sorted(matches), np.int64)
    detail = _describe(dataset, int(places[0]), matches[int(places[0])])
    sample = describe_sample(dataset.data)
    return Hits(places, f"of {sample}: {detail}" if sample else detail)


def _largest_split(data: Dataset) -> str | None:
    """The split with the most rows; None unless another one has rows, too."""
    sizes = {name: len(split) for name, split in data.items()}
    if sum(size > 0 for size in sizes.values()) < 2:
        return None
    return max(sizes, key=lambda name: sizes[name])


def sample_step(data: Dataset) -> int:
    """Each how many-th held-out row is compared: 1 unless there are very many."""
    rows = tokens = 0
    largest = _largest_split(data)
    for name, split in data.items():
        if largest is not None and name != largest:
            rows += len(split)
            for batch in split.to_arrow().to_batches():
                offsets = row_offsets(batch)
                tokens += int(offsets[-1] - offsets[0])
    return max(1, -(-rows // _MOST_ROWS), -(-tokens // _MOST_TOKENS))


def describe_sample(data: Dataset) -> str:
    """Which held-out rows are compared; "" if all are."""
    step, largest = sample_step(data), _largest_split(data)
    if step == 1:
        return ""
    sizes = [len(split) for name, split in data.items() if name != largest]
    total = sum(sizes)
    return f"a sample of {-(-total // step):,} of the {total:,} held-out rows"


def _shingle_held_out(
    dataset: CheckedDataset, largest: str, step: int, skip: Mapping[str, int]
) -> dict[str, ShingledRows]:
    """Every `step`-th row of the splits but the largest, by split."""
    parts: dict[str, list[ShingledRows]] = {}
    seen = 0  # rows of these splits
    for first, rows in dataset.batches():
        if rows.split != largest:
            chosen = np.arange(-seen % step, len(rows), step)
            seen += len(rows)
            if not len(chosen):
                continue
            some = RowBatch(
                rows.split, rows.batch.take(numbers(chosen)), rows.context, rows.templates
            )
            parts.setdefault(rows.split, []).append(shingle_rows(some, first + chosen, skip))
    return {split: join_shingled(of_split) for split, of_split in parts.items()}


def _compare(
    held: ShingledRows,
    index: BandIndex,
    shingled: ShingledRows,
    is_open: npt.NDArray[np.bool_],
    matches: dict[int, _Match],
) -> None:
    """Adds the open rows of `held` to the matches that are nearly a row of `shingled`."""
    for rows, others in index.look_up(shingled, is_open):
        similarities = find_similarities(shingled, rows, held, others)
        for at in np.flatnonzero(similarities >= _ALIKE).tolist():
            other = int(others[at])
            if is_open[other]:
                is_open[other] = False
                partner = int(shingled.places[rows[at]])
                matches[int(held.places[other])] = _Match(partner, float(similarities[at]))


def _describe(dataset: CheckedDataset, place: int, match: _Match) -> str:
    (row_id,), (other_id,) = (dataset.row_ids(np.array([at])) for at in (place, match.place))
    return (
        f"'{row_id}' in {_split_at(dataset, place)} is {match.similarity:.0%} like '{other_id}' "
        f"in {_split_at(dataset, match.place)}"
    )


def _split_at(dataset: CheckedDataset, place: int) -> str:
    for name, split in dataset.data.items():
        if place < len(split):
            return name
        place -= len(split)
    raise IndexError(place)


def _tokens_to_skip(dataset: CheckedDataset) -> dict[str, int]:
    """For each template the number of tokens that all its prompts begin with, or `_ONLY_TARGET`."""
    manifest, names = dataset.data.manifest, dataset.rows.template_names
    parts = [part["spec"] for part in (manifest["spec"] or {}).get("sources", ())]
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
        ID,
        "warning",
        "held-out examples that are nearly examples of another split",
        "Give the rows that belong together one group in the spec (group = COLUMN), or drop them.",
        _near_duplicates,
    ),
)
