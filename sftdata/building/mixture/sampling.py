"""Sample the rows of a mixture's sources: which rows, how often, and in which order.

Hashes of row ids decide, so the plan is the same on every machine, and a source that grows moves no
row of another source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from sftdata.base.hashing import mix_bits

_TINY = 1e-9  # relative; shares are made of floats


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rows of one source that could be used."""

    hashes: npt.NDArray[np.uint64]  # [rows], of the row ids
    units: npt.NDArray[np.int64]  # [rows]: 1, tokens or target tokens, as shares are measured
    weight: float | None  # None: as many units as the source has
    cap: int | None  # rows


@dataclass(frozen=True, slots=True)
class SourceSample:
    """Indices of rows of one source: used (repeats included), and not used."""

    used: npt.NDArray[np.int64]
    over_cap: npt.NDArray[np.int64]
    not_sampled: npt.NDArray[np.int64]
    planned: float  # the share of the whole that is asked for


def draw_samples(
    sources: Sequence[Candidates], *, temperature: float, max_repeats: float, seed: int
) -> list[SourceSample]:
    """The sample of each source, so that their units have the shares that are asked for.

    A source's share is in proportion to `weight ** (1 / temperature)`. The whole is as large as it
    can be with no source used more than `max_repeats` times, and no larger than what uses every
    row of every source at least once.
    """
    orders = [_order(source.hashes, seed) for source in sources]
    kept = [order[: source.cap] for order, source in zip(orders, sources, strict=True)]
    sizes = np.array(
        [source.units[rows].sum() for source, rows in zip(sources, kept, strict=True)], float
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
    return [
        SourceSample(
            used=_repeated(rows, source.units[rows], float(times)),
            over_cap=order[len(rows) :],
            not_sampled=rows[_fitting(source.units[rows], float(times)) :]
            if times < 1 - _TINY
            else rows[:0],
            planned=float(share / (shares.sum() or 1.0)),
        )
        for source, order, rows, times, share in zip(
            sources, orders, kept, passes, shares, strict=True
        )
    ]


def interleave(
    hashes: Sequence[npt.NDArray[np.uint64]], used: Sequence[npt.NDArray[np.int64]], seed: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Source and place of each row of the mixture, in order.

    `hashes`: of the row ids of each source; `used`: the places used, repeats standing again. Each
    copy of a row has a key of its own, and the keys alone decide the order.
    """
    source = np.concatenate(
        [np.full(len(rows), at, np.int32) for at, rows in enumerate(used)]
        or [np.empty(0, np.int32)]
    )
    place = np.concatenate([*used, np.empty(0, np.int64)])
    salt = xxhash.xxh3_64_intdigest(f"order:{seed}".encode())
    keys = [
        mix_bits(own[rows] ^ mix_bits(_copies(rows).astype(np.uint64) ^ np.uint64(salt)))
        for own, rows in zip(hashes, used, strict=True)
    ]
    order = np.lexsort((place, source, np.concatenate([*keys, np.empty(0, np.uint64)])))
    return source[order], place[order]


def _order(hashes: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.int64]:
    """The rows in the order in which they are taken."""
    salt = np.uint64(xxhash.xxh3_64_intdigest(f"sample:{seed}".encode()))
    return np.argsort(mix_bits(hashes ^ salt), kind="stable")


def _repeated(
    rows: npt.NDArray[np.int64], units: npt.NDArray[np.int64], times: float
) -> npt.NDArray[np.int64]:
    full = int(times + _TINY)
    rest = rows[: _fitting(units, times - full)]
    return np.concatenate((np.tile(rows, full), rest))


def _fitting(units: npt.NDArray[np.int64], share: float) -> int:
    """How many rows from the first make up this share of all units, or just less."""
    ends = np.cumsum(units)
    total = float(ends[-1]) if len(ends) else 0.0
    return int(np.searchsorted(ends, share * total * (1 + _TINY), side="right"))


def _copies(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each place how many times it stood before."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(rows)])
    counts = np.diff(np.concatenate((starts, [len(rows)])))
    number = np.arange(len(rows)) - np.repeat(starts, counts)
    copies = np.empty(len(rows), np.int64)
    copies[order] = number
    return copies
