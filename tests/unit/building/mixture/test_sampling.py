"""Sampling plans: shares, caps, repeats, and what a growing source leaves alone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sftdata.base.array_file import ArrayFile
from sftdata.building.mixture.sampling import OVER_CAP, Candidates, _keys, draw_samples

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """Places of the rows of a source: used (repeats included), and not used."""

    used: Places
    over_cap: Places
    not_sampled: Places


def hashes(rows: int, seed: int) -> npt.NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**63, rows).astype(np.uint64)


def candidates(
    own: npt.NDArray[np.uint64],
    *,
    units: int = 1,
    weight: float | None = None,
    cap: int | None = None,
) -> Candidates:
    rows = ArrayFile(Path(tempfile.gettempdir()), 3)
    places = np.arange(len(own), dtype=np.uint64)
    rows.append(np.stack((own, places, np.full(len(own), units, np.uint64)), axis=1))
    return Candidates(rows, weight, cap)


def source(
    rows: int, seed: int, *, units: int = 1, weight: float | None = None, cap: int | None = None
) -> Candidates:
    return candidates(hashes(rows, seed), units=units, weight=weight, cap=cap)


def draw(*sources: Candidates, temperature: float = 1.0, max_repeats: float = 4.0) -> list[Drawn]:
    samples = draw_samples(sources, temperature=temperature, max_repeats=max_repeats, seed=0)
    found = []
    for sample, own in zip(samples, sources, strict=True):
        copies = sample.copies(own.rows.read(0, len(own.rows)))
        used = np.repeat(np.arange(len(copies)), np.maximum(copies, 0))
        left_out = (np.flatnonzero(copies == number) for number in (OVER_CAP, 0))
        found.append(Drawn(used, *left_out))
    return found


def test_without_weights_every_row_is_used_once() -> None:
    samples = draw(source(1000, 1), source(10, 2), source(333, 3))
    for sample, rows in zip(samples, (1000, 10, 333), strict=True):
        assert sorted(sample.used) == list(range(rows))
        assert not len(sample.not_sampled)
        assert not len(sample.over_cap)


@pytest.mark.parametrize("units", [1, 7])
def test_equal_weights_give_equal_units(units: int) -> None:
    large, small = draw(
        source(900, 1, weight=1, units=units), source(300, 2, weight=1, units=units)
    )
    assert (len(large.used), len(small.used)) == (900, 900)
    assert np.unique(small.used, return_counts=True)[1].tolist() == [3] * 300


def test_shares_are_of_units_and_not_of_rows() -> None:
    long, short = draw(source(100, 1, weight=1, units=50), source(400, 2, weight=1, units=5))
    assert abs(len(long.used) * 50 - len(short.used) * 5) < 50


def test_a_source_is_repeated_so_often_and_then_the_large_one_is_thinned() -> None:
    large, small = draw(source(10_000, 1, weight=1), source(100, 2, weight=1), max_repeats=4)
    assert len(small.used) == 400
    assert len(large.used) == 400
    assert len(large.not_sampled) == 9600
    assert sorted([*large.used, *large.not_sampled]) == list(range(10_000))


def test_a_high_temperature_moves_shares_towards_equal() -> None:
    def share(temperature: float) -> float:
        large, small = draw(
            source(9000, 1), source(1000, 2), temperature=temperature, max_repeats=99
        )
        return len(small.used) / (len(large.used) + len(small.used))

    assert [round(share(t), 2) for t in (1.0, 2.0, 1000.0)] == [0.10, 0.25, 0.50]


def test_a_cap_counts_rows_and_what_is_over_it_is_told() -> None:
    capped, other = draw(source(1000, 1, cap=100), source(100, 2))
    assert len(capped.used) == 100
    assert len(capped.over_cap) == 900
    assert len(other.used) == 100


def test_a_source_without_rows_takes_no_share() -> None:
    full, empty = draw(source(10, 1, weight=1), source(0, 2, weight=5))
    assert (len(full.used), len(empty.used)) == (10, 0)
    assert [len(sample.used) for sample in draw(source(0, 1), source(0, 2))] == [0, 0]


def test_rows_that_were_used_stay_used_when_the_source_grows() -> None:
    more = hashes(1500, 1)
    other = source(50, 2, weight=1)
    before, _ = draw(candidates(more[:1000], weight=1.0, cap=100), other)
    after, _ = draw(candidates(more, weight=1.0, cap=100), other)
    kept = set(before.used) & set(after.used)
    # Of 100 rows drawn out of 1,500 about two thirds are of the first 1,000.
    assert 50 < len(kept) < 85


@pytest.mark.parametrize("cap", [None, 0, 1, 700, 999, 1000, 2000])
@pytest.mark.parametrize("weight", [0.4, 1.0, 2.5])
def test_the_rows_are_those_of_a_sorted_list(cap: int | None, weight: float) -> None:
    """Caps and shares end where they would if all rows were sorted by their keys, also where keys
    are equal."""
    own = np.concatenate((hashes(600, 1), hashes(400, 1)))
    units = np.random.default_rng(3).integers(1, 50, len(own))
    rows = ArrayFile(Path(tempfile.gettempdir()), 3)
    rows.append(np.stack((own, np.arange(len(own), dtype=np.uint64), units.astype(np.uint64)), 1))
    mixed = [Candidates(rows, weight, cap), source(500, 2, units=20, weight=1.0)]
    sample, _ = draw_samples(mixed, temperature=1.0, max_repeats=3.0, seed=5)
    copies = sample.copies(rows.read(0, len(rows)))
    by_key = np.argsort(_keys(rows.read(0, len(rows)), 5), kind="stable")
    kept = by_key[:cap]
    assert np.array_equal(np.sort(by_key[len(kept) :]), np.flatnonzero(copies == OVER_CAP))
    if not len(kept):
        return
    size, other = int(units[kept].sum()), 500 * 20
    once = [size / (weight / (weight + 1)), other / (1 / (weight + 1))]
    times = min(max(once), 3.0 * min(once)) / once[0]
    ends = np.cumsum(units[kept])
    more = kept[: np.searchsorted(ends, (times - int(times)) * size * (1 + 1e-9), side="right")]
    assert np.array_equal(np.flatnonzero(copies == int(times) + 1), np.sort(more))
