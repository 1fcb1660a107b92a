"""Sampling plans: shares, caps, repeats, and what a growing source leaves alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from sftdata.building.mixture.sampling import Candidates, SourceSample, draw_samples, interleave


def hashes(rows: int, seed: int) -> npt.NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**63, rows).astype(np.uint64)


def source(
    rows: int, seed: int, *, units: int = 1, weight: float | None = None, cap: int | None = None
) -> Candidates:
    return Candidates(hashes(rows, seed), np.full(rows, units), weight, cap)


def draw(
    *sources: Candidates, temperature: float = 1.0, max_repeats: float = 4.0
) -> list[SourceSample]:
    return draw_samples(sources, temperature=temperature, max_repeats=max_repeats, seed=0)


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
    before, _ = draw(Candidates(more[:1000], np.ones(1000, int), 1.0, 100), source(50, 2, weight=1))
    after, _ = draw(Candidates(more, np.ones(1500, int), 1.0, 100), source(50, 2, weight=1))
    kept = set(before.used) & set(after.used)
    # Of 100 rows drawn out of 1,500 about two thirds are of the first 1,000.
    assert 50 < len(kept) < 85


def test_a_million_rows_are_interleaved_evenly_and_alike_each_time() -> None:
    own = [hashes(700_000, 1), hashes(300_000, 2)]
    used = [np.arange(700_000), np.tile(np.arange(150_000), 2)]
    part, row = interleave(own, used, 7)
    again = interleave(own, used, 7)
    assert np.array_equal(part, again[0])
    assert np.array_equal(row, again[1])
    assert np.bincount(part).tolist() == [700_000, 300_000]
    assert sorted(row[part == 1][:10]) != list(range(10))
    for piece in np.array_split(part, 100):
        assert abs(float((piece == 1).mean()) - 0.3) < 0.02
    assert not np.array_equal(row, interleave(own, used, 8)[1])


def test_a_source_that_grows_moves_no_row_of_another() -> None:
    more = hashes(500, 1)
    other = hashes(400, 2)
    part, row = interleave([more[:300], other], [np.arange(300), np.arange(400)], 0)
    part_after, row_after = interleave([more, other], [np.arange(500), np.arange(400)], 0)
    assert row[part == 1].tolist() == row_after[part_after == 1].tolist()
    old = (part_after == 1) | (row_after < 300)
    assert row_after[old].tolist() == row.tolist()
