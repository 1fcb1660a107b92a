"""Checks on rows that repeat: in whole, in part, or with another answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import numbers, to_flags
from sftdata.inspecting.doctor.finding import Found, SetCheck
from sftdata.inspecting.doctor.rows import Rows
from sftdata.inspecting.doctor.survey import Survey

_BANDS, _BAND_ROWS = 12, 5  # rows as like as this share a band in 99 of 100 cases:
_ALIKE = 0.8  # Jaccard similarity of their shingles
_SHINGLE = 3  # tokens
_FEWEST_SHINGLES = 8  # a shorter row is like too many others
_MOST_CANDIDATES = 8  # rows of another split that a row is compared with
_MIX = np.uint64(0x9E3779B97F4A7C15)


def _duplicates(survey: Survey) -> Found | None:
    order = np.argsort(survey.row_hash, kind="stable")
    hashes = survey.row_hash[order]
    again = np.flatnonzero(hashes[1:] == hashes[:-1])
    before, rows = order[again], order[again + 1]
    # A mixture repeats rows on purpose, under their own ids.
    others = to_flags(pc.not_equal(_ids(survey, before), _ids(survey, rows)))
    return Found(np.sort(rows[others])) if others.any() else None


def _ids(survey: Survey, places: npt.NDArray[np.int64]) -> pa.Array:
    columns = [split.to_arrow().column("row_id") for split in survey.data.values()]
    chunks = [chunk for column in columns for chunk in column.chunks]
    return pa.chunked_array(chunks, pa.string()).take(numbers(places)).combine_chunks()


def _conflicts(survey: Survey) -> Found | None:
    order = np.lexsort((survey.row_hash, survey.prompt_hash))
    prompts, whole = survey.prompt_hash[order], survey.row_hash[order]
    differs = np.concatenate(([False], (prompts[1:] == prompts[:-1]) & (whole[1:] != whole[:-1])))
    if not differs.any():
        return None
    group = np.cumsum(np.concatenate(([True], prompts[1:] != prompts[:-1])))
    rows = np.sort(order[np.isin(group, group[differs])])
    return Found(rows, f"{len(np.unique(group[differs])):,} prompts")


@dataclass(frozen=True, slots=True)
class _Shingled:
    """Shingles of the rows that are long enough, flat, and the places of those rows."""

    places: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.int64]

    def of(self, row: int) -> npt.NDArray[np.uint64]:
        return np.unique(self.hashes[self.offsets[row] : self.offsets[row + 1]])


def _near_duplicates(survey: Survey) -> Found | None:
    """Rows of the smaller splits that are nearly rows of another; those splits are kept as bands.

    What is compared is what follows the text all prompts of the template begin with. With shots in
    the prompt, which are rows of the training split, it is the target.
    """
    sizes = {name: len(split) for name, split in survey.data.items()}
    if sum(size > 0 for size in sizes.values()) < 2:
        return None
    largest = max(sizes, key=lambda name: sizes[name])
    skip = _fixed_tokens(survey)
    # Held-out rows first: each band of theirs is looked up for every row of the largest split.
    bands, held = _Bands(), []
    for first, rows in _numbered(survey):
        if rows.split != largest:
            shingled = _shingle(rows, first, skip)
            bands.add(shingled)
            held.append((rows.split, shingled))
    bands.close()
    found: dict[int, tuple[int, float]] = {}
    for first, rows in _numbered(survey):
        if rows.split == largest:
            shingled = _shingle(rows, first, skip)
            for row, place in bands.look_up(shingled):
                _compare(survey, skip, place, shingled, row, found)
    for split, shingled in held:
        for row, place in bands.look_up(shingled):
            if _split_of(survey, place) != split and place not in found:
                _compare(survey, skip, place, shingled, row, found)
    if not found:
        return None
    places = np.array(sorted(found), np.int64)
    (mine,), (theirs,) = (
        survey.row_ids(places[:1]),
        survey.row_ids(np.array([found[int(places[0])][0]])),
    )
    like = found[int(places[0])][1]
    detail = (
        f"'{mine}' in {_split_of(survey, int(places[0]))} is {like:.0%} like '{theirs}' in "
        f"{_split_of(survey, found[int(places[0])][0])}"
    )
    return Found(places, detail)


class _Bands:
    """Band keys of rows, sorted, with the places of the rows."""

    def __init__(self) -> None:
        self._keys: list[npt.NDArray[np.uint64]] = []
        self._places: list[npt.NDArray[np.int64]] = []
        self.keys = np.empty(0, np.uint64)
        self.places = np.empty(0, np.int64)

    def add(self, shingled: _Shingled) -> None:
        keys = _band_keys(shingled)
        self._keys.append(keys.ravel())
        self._places.append(np.repeat(shingled.places, _BANDS))

    def close(self) -> None:
        if self._keys:
            keys, places = np.concatenate(self._keys), np.concatenate(self._places)
            order = np.argsort(keys, kind="stable")
            self.keys, self.places = keys[order], places[order]
        self._keys, self._places = [], []

    def look_up(self, shingled: _Shingled) -> Iterator[tuple[int, int]]:
        """Rows of `shingled` and places of other rows, that have a band in common."""
        if not len(self.keys):
            return
        keys = _band_keys(shingled).ravel()
        first = np.searchsorted(self.keys, keys)
        hit = self.keys[np.minimum(first, len(self.keys) - 1)] == keys
        pairs = set()
        for at in np.flatnonzero(hit).tolist():
            row, key = at // _BANDS, keys[at]
            for near in range(
                int(first[at]), min(int(first[at]) + _MOST_CANDIDATES, len(self.keys))
            ):
                if self.keys[near] != key:
                    break
                pairs.add((row, int(self.places[near])))
        own = shingled.places
        yield from sorted((row, place) for row, place in pairs if own[row] != place)


def _band_keys(shingled: _Shingled) -> npt.NDArray[np.uint64]:
    """uint64[rows, bands]: rows with the same key in a band have the same part of a MinHash."""
    from rensa import RMinHash

    if not len(shingled.places):
        return np.empty((0, _BANDS), np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        shingled.hashes, shingled.offsets.astype(np.uint64), _BANDS * _BAND_ROWS, 1
    )
    digests = np.array(matrix.to_rows(), np.uint64).reshape(-1, _BANDS, _BAND_ROWS)
    keys = np.broadcast_to(np.arange(_BANDS, dtype=np.uint64), digests.shape[:2]).copy()
    for part in range(_BAND_ROWS):
        keys = (keys ^ digests[:, :, part]) * _MIX
        keys ^= keys >> np.uint64(29)
    return keys


def _compare(
    survey: Survey,
    skip: dict[str, int],
    place: int,
    shingled: _Shingled,
    row: int,
    found: dict[int, tuple[int, float]],
) -> None:
    """Notes the row at `place` if it is nearly row `row` of `shingled`, by all their shingles."""
    if place in found:
        return
    mine, theirs = _shingles_at(survey, skip, place), shingled.of(row)
    common = len(np.intersect1d(mine, theirs, assume_unique=True))
    like = common / max(1, len(mine) + len(theirs) - common)
    if like >= _ALIKE:
        found[place] = (int(shingled.places[row]), like)


def _shingles_at(survey: Survey, skip: dict[str, int], place: int) -> npt.NDArray[np.uint64]:
    for split in survey.data.values():
        if place < len(split):
            batch = split[place : place + 1].to_arrow().combine_chunks().to_batches()[0]
            return _shingle(Rows(split.name, batch, survey.context, {}), 0, skip).of(0)
        place -= len(split)
    raise IndexError(place)


def _split_of(survey: Survey, place: int) -> str:
    for name, split in survey.data.items():
        if place < len(split):
            return name
        place -= len(split)
    raise IndexError(place)


def _numbered(survey: Survey) -> Iterator[tuple[int, Rows]]:
    first = 0
    for rows in survey.batches():
        yield first, rows
        first += len(rows)


def _fixed_tokens(survey: Survey) -> dict[str, int]:
    """How many tokens all prompts of a template begin with; -1 where they are to be left out."""
    manifest = survey.data.manifest
    parts = [part["spec"] for part in manifest.content.get("spec", {}).get("sources", ())]
    # A build may draw the number of shots of each row from several.
    numbers_of_shots = [options.get("shots") or () for options in (manifest["options"], *parts)]
    if any(any(choices) for choices in numbers_of_shots):
        return dict.fromkeys(survey.template_names, -1)
    fixed: dict[str, int] = {}
    firsts: dict[str, npt.NDArray[np.int32]] = {}
    for split in survey.data.values():
        for example in split[:256]:
            name, prompt = example.template, example.input_ids[: example.target_start]
            first = firsts.setdefault(name, prompt)
            if np.array_equal(first, prompt):
                continue
            size = min(len(first), len(prompt))
            differs = np.flatnonzero(first[:size] != prompt[:size])
            common = int(differs[0]) if len(differs) else size
            fixed[name] = min(fixed.get(name, common), common)
    return {name: fixed.get(name, 0) for name in survey.template_names}


def _shingle(rows: Rows, first: int, skip: dict[str, int]) -> _Shingled:
    """Hashes of every three tokens in a row; `first` is the place of the first row."""
    fixed = np.array([skip.get(name, 0) for name in rows.template_names], np.int64)
    begins = np.where(fixed < 0, rows.starts, np.minimum(rows.offsets[:-1] + fixed, rows.starts))
    counts = np.maximum(rows.offsets[1:] - 1 - begins - (_SHINGLE - 1), 0)  # without the end token
    ids = rows.ids.astype(np.uint64) + np.uint64(1)
    hashes = ids.copy()
    for shift in range(1, _SHINGLE):
        hashes *= _MIX
        hashes[: len(ids) - shift] ^= ids[shift:]
    hashes *= _MIX
    hashes ^= hashes >> np.uint64(31)
    kept = np.flatnonzero(counts >= _FEWEST_SHINGLES)
    chosen = counts[kept]
    offsets = np.concatenate(([0], np.cumsum(chosen)))
    flat = np.arange(offsets[-1]) + np.repeat(begins[kept] - offsets[:-1], chosen)
    return _Shingled(first + kept, hashes[flat], offsets)


CHECKS = (
    SetCheck(
        "duplicate-example",
        "warning",
        "examples with the same tokens as an earlier one",
        "Drop the repeats from the source; a row's weight belongs in the spec.",
        _duplicates,
    ),
    SetCheck(
        "conflicting-targets",
        "warning",
        "the same prompt with different targets",
        "Keep one of them, or tell the model in the prompt what makes the difference.",
        _conflicts,
    ),
    SetCheck(
        "near-duplicate-across-splits",
        "warning",
        "held-out examples that are nearly examples of another split",
        "Give the rows that belong together one group in the spec (group = COLUMN), or drop them.",
        _near_duplicates,
    ),
)
