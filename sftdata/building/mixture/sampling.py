"""Sample the rows of a mixture's sources: which rows are used, and how often.

Hashes of row ids decide, so the plan is the same on every machine, and a source that grows moves no
row of another source. Rows are taken in the order of their keys, up to a cut, which is found
without sorting: a pass adds up the keys with the same first bits, and only those around the cut are
looked at one by one. So the memory does not grow with the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from sftdata.base.array_file import ArrayFile, Rows
from sftdata.base.hashing import mix_bits

HASH, PLACE, UNITS = range(3)  # columns of the rows of a source
COLUMNS = 3
OVER_CAP = -1  # instead of a number of copies

_TINY = 1e-9  # relative; shares are made of floats
_BITS = 16  # of a key
_SHIFT = np.uint64(64 - _BITS)

_Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rows of one source that could be used."""

    # HASH of the row id; PLACE in the source, ascending; UNITS: 1, tokens or target tokens, as
    # shares are measured.
    rows: ArrayFile
    weight: float | None  # None: as many units as the source has
    cap: int | None  # rows


@dataclass(frozen=True, slots=True)
class _Cut:
    """The first row that is not taken. Rows of the same key are taken in the order of places."""

    key: int
    place: int

    def takes(self, keys: _Keys, places: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """For each row whether it is before the cut."""
        taken: npt.NDArray[np.bool_] = (keys == self.key) & (places < self.place)
        taken |= keys < self.key
        return taken


_NONE, _EVERY = _Cut(0, 0), _Cut(2**64 - 1, 2**64 - 1)


@dataclass(frozen=True, slots=True)
class SourceSample:
    """Which rows of one source are used, and how often."""

    seed: int = 0
    cap: _Cut = _EVERY
    full: int = 1  # copies of each row up to the cap
    once_more: _Cut = _NONE  # these have one copy more
    planned: float = 0.0  # the share of the whole that is asked for

    def copies(self, rows: Rows) -> npt.NDArray[np.int64]:
        """int64[rows]: how often each is used, or `OVER_CAP`."""
        keys, places = _keys(rows, self.seed), rows[:, PLACE]
        copies = self.full + self.once_more.takes(keys, places).astype(np.int64)
        return np.where(self.cap.takes(keys, places), copies, OVER_CAP)

    def order(self, rows: Rows) -> npt.NDArray[np.int64]:
        """The places of rows in the order in which they are taken."""
        by_key = np.argsort(_keys(rows, self.seed), kind="stable")
        places: npt.NDArray[np.int64] = rows[by_key, PLACE].astype(np.int64)
        return places


def draw_samples(
    sources: Sequence[Candidates], *, temperature: float, max_repeats: float, seed: int
) -> list[SourceSample]:
    """The sample of each source, so that their units have the shares that are asked for.

    A source's share is in proportion to `weight ** (1 / temperature)`. The whole is as large as
    `max_repeats` allows for every source, but no larger than it takes to use every row at least
    once.
    """
    caps = [_EVERY if s.cap is None else _find_cut(s.rows, seed, _EVERY, s.cap) for s in sources]
    sizes = np.array(
        [_sum_units(s.rows, seed, cap) for s, cap in zip(sources, caps, strict=True)], float
    )
    weights = np.array(
        [
            size if source.weight is None else source.weight
            for source, size in zip(sources, sizes, strict=True)
        ]
    )
    shares = np.where(sizes > 0, weights, 0.0) ** (1 / temperature)
    there = shares > 0
    passes = np.zeros(len(sources))
    if there.any():
        once = sizes[there] / (shares[there] / shares.sum())  # the whole that uses the source once
        whole = min(once.max(), max_repeats * once.min())
        passes[there] = whole / once
    samples = []
    for source, cap, size, times, share in zip(sources, caps, sizes, passes, shares, strict=True):
        full = int(times + _TINY)
        limit = (float(times) - full) * float(size) * (1 + _TINY)
        once_more = _find_cut(source.rows, seed, cap, limit, in_units=True)
        planned = float(share / (shares.sum() or 1.0))
        samples.append(SourceSample(seed, cap, full, once_more, planned))
    return samples


def _keys(rows: Rows, seed: int) -> _Keys:
    """Rows are taken in the order of their keys."""
    return mix_bits(rows[:, HASH] ^ np.uint64(xxhash.xxh3_64_intdigest(f"sample:{seed}".encode())))


def _sum_units(rows: ArrayFile, seed: int, cut: _Cut) -> int:
    """The units of all rows before the cut."""
    return sum(
        int(piece[cut.takes(_keys(piece, seed), piece[:, PLACE]), UNITS].sum())
        for piece in rows.pieces()
    )


def _find_cut(
    rows: ArrayFile, seed: int, within: _Cut, limit: float, *, in_units: bool = False
) -> _Cut:
    """The cut for as many rows or units, of the rows before `within`, as `limit` has room for."""
    sums = np.zeros(1 << _BITS)  # exact: a float holds integers of 53 bits
    for piece in rows.pieces():
        keys = _keys(piece, seed)
        units = within.takes(keys, piece[:, PLACE]).astype(float)
        if in_units:
            units *= piece[:, UNITS]
        sums += np.bincount((keys >> _SHIFT).astype(np.int64), units, len(sums))
    ends = np.cumsum(sums)
    at = int(np.searchsorted(ends, limit, side="right"))
    if at == len(ends):
        return within
    near = np.concatenate(
        [piece[_keys(piece, seed) >> _SHIFT == np.uint64(at)] for piece in rows.pieces()]
    )
    near = near[within.takes(_keys(near, seed), near[:, PLACE])]
    near = near[np.lexsort((near[:, PLACE], _keys(near, seed)))]
    units = near[:, UNITS].astype(np.int64) if in_units else np.ones(len(near), np.int64)
    before = float(ends[at - 1]) if at else 0.0
    first = int(np.searchsorted(before + np.cumsum(units), limit, side="right"))
    return _Cut(int(_keys(near, seed)[first]), int(near[first, PLACE]))
