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
_SAME_MINIMA = 40  # of 60; one in 200 pairs with a similarity of 0.8 has fewer
_PAIRS_AT_ONCE = 4096
_HASH_BITS = np.uint64(40)  # of a shingle, beside the number of a pair
_MIX = np.uint64(0x9E3779B97F4A7C15)
_Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ShingledRows:
    """Hashes of the shingles of rows that are long enough, flat, and the places of those rows."""

    places: _Places
    hashes: npt.NDArray[np.uint64]
    offsets: _Places

    def gather(self, rows: _Places) -> npt.NDArray[np.uint64]:
        """The distinct shingles of each of `rows`, sorted, with its index in `rows` above them."""
        sizes = (self.offsets[1:] - self.offsets[:-1])[rows]
        ends = np.cumsum(sizes)
        flat = np.arange(ends[-1]) + np.repeat(self.offsets[rows] - (ends - sizes), sizes)
        index = np.repeat(np.arange(len(rows), dtype=np.uint64), sizes)
        return np.unique(
            (index << _HASH_BITS) | (self.hashes[flat] >> (np.uint64(64) - _HASH_BITS))
        )


def shingle_rows(rows: RowBatch, places: _Places, skip: Mapping[str, int]) -> ShingledRows:
    """Hashes of every three tokens in a row, its end token left out.

    `places`: of the rows, in the dataset. `skip`: for each template the tokens to leave out at the
    start of a row; -1 leaves the whole prompt out.
    """
    fixed = rows.by_template(skip, np.int64)
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
    return ShingledRows(places[kept], hashes[flat], offsets)


def join_shingled(parts: Sequence[ShingledRows]) -> ShingledRows:
    """The rows of all parts."""
    counts = [np.diff(part.offsets) for part in parts]
    return ShingledRows(
        np.concatenate([np.empty(0, np.int64), *(part.places for part in parts)]),
        np.concatenate([np.empty(0, np.uint64), *(part.hashes for part in parts)]),
        np.concatenate(([0], np.cumsum(np.concatenate([np.empty(0, np.int64), *counts])))),
    )


def find_similarities(
    a: ShingledRows, rows: _Places, b: ShingledRows, others: _Places
) -> npt.NDArray[np.float64]:
    """float64[pairs]: the Jaccard similarity of each of `rows` of `a` and the same of `others`."""
    mine, theirs = a.gather(rows), b.gather(others)
    common = np.intersect1d(mine, theirs, assume_unique=True)
    of_a, of_b, of_both = (
        np.bincount((found >> _HASH_BITS).astype(np.int64), minlength=len(rows))
        for found in (mine, theirs, common)
    )
    return np.asarray(of_both / np.maximum(1, of_a + of_b - of_both))


class BandIndex:
    """Finds rows that share a MinHash band and most of their minima: they may well be alike."""

    def __init__(self, indexed: ShingledRows) -> None:
        self._minima = _find_minima(indexed)
        keys = _band_keys(self._minima).ravel()
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        is_first = np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(ordered)]
        firsts = np.flatnonzero(is_first)
        self._keys = ordered[firsts]
        self._firsts = firsts
        self._counts = np.minimum(np.diff(np.append(firsts, len(order))), _MOST_CANDIDATES)
        self._rows = (order // _BANDS).astype(np.int32)
        # Most keys that are looked up aren't there: a table of bits is faster than a search.
        self._mask = np.uint64((1 << max(10, (8 * len(keys)).bit_length())) - 1)
        self._may_have = np.zeros(int(self._mask) + 1, np.bool_)
        self._may_have[self._keys & self._mask] = True

    def look_up(
        self, rows: ShingledRows, is_wanted: npt.NDArray[np.bool_]
    ) -> Iterator[tuple[_Places, _Places]]:
        """Pairs, some at a time: rows, and the wanted indexed rows that may be like them."""
        if not len(self._keys) or not len(rows.places):
            return
        minima = _find_minima(rows)
        keys = _band_keys(minima).ravel()
        asked = np.flatnonzero(self._may_have[keys & self._mask])
        at = np.minimum(np.searchsorted(self._keys, keys[asked]), len(self._keys) - 1)
        is_hit = self._keys[at] == keys[asked]
        asked, at = asked[is_hit] // _BANDS, at[is_hit]
        counts = self._counts[at]
        ends = np.cumsum(counts)
        steps = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
        others = self._rows[np.repeat(self._firsts[at], counts) + steps].astype(np.int64)
        mine = np.repeat(asked, counts)
        kept = is_wanted[others]
        size = len(self._minima)
        pairs = np.unique(mine[kept] * size + others[kept])
        for first in range(0, len(pairs), _PAIRS_AT_ONCE):
            row, other = np.divmod(pairs[first : first + _PAIRS_AT_ONCE], size)
            alike = (minima[row] == self._minima[other]).sum(axis=1) >= _SAME_MINIMA
            if alike.any():
                yield row[alike], other[alike]


def _find_minima(rows: ShingledRows) -> npt.NDArray[np.uint32]:
    """uint32[rows, minima]: MinHash. Two rows share as large a part of it as of their shingles."""
    from rensa import RMinHash

    if not len(rows.places):
        return np.empty((0, _BANDS * _BAND_ROWS), np.uint32)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        rows.hashes, rows.offsets.astype(np.uint64), _BANDS * _BAND_ROWS, 1
    )
    return np.array(matrix.to_rows(), np.uint32)


def _band_keys(minima: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    """uint64[rows, bands]: rows with the same key in a band share that part of their MinHash."""
    bands = minima.reshape(-1, _BANDS, _BAND_ROWS).astype(np.uint64)
    keys = np.broadcast_to(np.arange(_BANDS, dtype=np.uint64), bands.shape[:2]).copy()
    for part in range(_BAND_ROWS):
        keys = (keys ^ bands[:, :, part]) * _MIX
        keys ^= keys >> np.uint64(29)
    return keys
