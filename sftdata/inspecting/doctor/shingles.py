"""Shingles of token ids, and an index of their MinHash bands that finds rows alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sftdata.inspecting.doctor.batch import RowBatch

_SHINGLE = 3  # tokens
_FEWEST_SHINGLES = 8  # a shorter row resembles too many others
_BANDS, _BAND_ROWS = 12, 5  # rows with a similarity of 0.8 share a band in 99 of 100 cases
_MOST_CANDIDATES = 8  # rows that a band of a row is compared with
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class ShingledRows:
    """Hashes of the shingles of rows that are long enough, flat, and the places of those rows."""

    places: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.int64]

    def shingles(self, row: int) -> npt.NDArray[np.uint64]:
        """The distinct shingles of a row, sorted."""
        return np.unique(self.hashes[self.offsets[row] : self.offsets[row + 1]])


def shingle_rows(rows: RowBatch, first: int, skip: Mapping[str, int]) -> ShingledRows:
    """Hashes of every three tokens in a row, its end token left out.

    `first`: the place of the first row. `skip`: for each template the tokens to leave out at the
    start of a row; -1 leaves the whole prompt out.
    """
    fixed = np.array([skip.get(name, 0) for name in rows.template_names], np.int64)
    begins = np.where(fixed < 0, rows.starts, np.minimum(rows.offsets[:-1] + fixed, rows.starts))
    counts = np.maximum(rows.offsets[1:] - 1 - begins - (_SHINGLE - 1), 0)
    ids = rows.ids.astype(np.uint64) + np.uint64(1)
    hashes = ids.copy()
    for shift in range(1, _SHINGLE):
        hashes *= _MIX
        hashes[: len(ids) - shift] ^= ids[shift:]
    hashes *= _MIX
    hashes ^= hashes >> np.uint64(31)
    kept = np.flatnonzero(counts >= _FEWEST_SHINGLES)
    sizes = counts[kept]
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    flat = np.arange(offsets[-1]) + np.repeat(begins[kept] - offsets[:-1], sizes)
    return ShingledRows(first + kept, hashes[flat], offsets)


class BandIndex:
    """Finds rows that share a MinHash band: candidates for being alike."""

    def __init__(self, indexed: Sequence[ShingledRows]) -> None:
        none = np.empty(0, np.int64)
        keys = np.concatenate([none.astype(np.uint64), *(_band_keys(r).ravel() for r in indexed)])
        places = np.concatenate([none, *(np.repeat(rows.places, _BANDS) for rows in indexed)])
        order = np.argsort(keys, kind="stable")
        self._keys, self._places = keys[order], places[order]

    def look_up(self, rows: ShingledRows) -> Iterator[tuple[int, int]]:
        """Pairs: a row of `rows`, and the place of another row in the index that is like it."""
        if not len(self._keys):
            return
        keys = _band_keys(rows).ravel()
        firsts = np.searchsorted(self._keys, keys)
        hit = self._keys[np.minimum(firsts, len(self._keys) - 1)] == keys
        pairs = set()
        for at in np.flatnonzero(hit).tolist():
            row, first = at // _BANDS, int(firsts[at])
            last = min(first + _MOST_CANDIDATES, len(self._keys))
            for near in range(first, last):
                if self._keys[near] != keys[at]:
                    break
                pairs.add((row, int(self._places[near])))
        yield from sorted((row, place) for row, place in pairs if rows.places[row] != place)


def _band_keys(rows: ShingledRows) -> npt.NDArray[np.uint64]:
    """uint64[rows, bands]: rows with the same key in a band share that part of their MinHash."""
    from rensa import RMinHash

    if not len(rows.places):
        return np.empty((0, _BANDS), np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        rows.hashes, rows.offsets.astype(np.uint64), _BANDS * _BAND_ROWS, 1
    )
    digests = np.array(matrix.to_rows(), np.uint64).reshape(-1, _BANDS, _BAND_ROWS)
    keys = np.broadcast_to(np.arange(_BANDS, dtype=np.uint64), digests.shape[:2]).copy()
    for part in range(_BAND_ROWS):
        keys = (keys ^ digests[:, :, part]) * _MIX
        keys ^= keys >> np.uint64(29)
    return keys
