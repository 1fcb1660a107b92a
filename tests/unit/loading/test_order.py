"""Sampling: the same order anywhere, each row once, and a state that goes on at the exact row."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, zip_longest
from typing import Any

import numpy as np
import pytest

from sftdata.errors import SftdataError
from sftdata.loading.order import StepPlan, StreamPosition, iterate_rows, shuffle_indices


def plan(units: int, micro_batch: int = 1, accumulate: int = 1, ranks: int = 1) -> StepPlan:
    numbers = np.arange(units, dtype=np.int64)
    return StepPlan(
        tokens=numbers + 10,
        targets=numbers + 1,
        seed=3,
        micro_batch=micro_batch,
        accumulate=accumulate,
        ranks=ranks,
    )


def test_the_shuffle_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert shuffle_indices(12, seed=0, epoch=0).tolist() == [0, 11, 9, 1, 6, 3, 5, 4, 10, 2, 8, 7]
    assert shuffle_indices(12, seed=0, epoch=1).tolist() == [4, 10, 2, 5, 1, 11, 0, 8, 6, 7, 3, 9]
    assert shuffle_indices(12, seed=1, epoch=0).tolist() == [2, 5, 8, 9, 10, 1, 4, 6, 0, 11, 3, 7]


def test_the_shuffle_has_each_number_once_and_moves_them_far() -> None:
    order = shuffle_indices(10_000, seed=-5, epoch=2)
    assert np.array_equal(np.sort(order), np.arange(10_000))
    assert 0.31 < np.abs(order - np.arange(10_000)).mean() / 10_000 < 0.36  # 1/3 for a fair one
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.05


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_ranks_share_the_rows_of_an_epoch(ranks: int) -> None:
    parts = [
        [row for row, _ in iterate_rows(StreamPosition(7), 20, rank=r, ranks=ranks)]
        for r in range(ranks)
    ]
    assert sorted(row for part in parts for row in part) == list(range(20))
    whole = [row for row, _ in iterate_rows(StreamPosition(7), 20)]
    assert [part[0] for part in parts] == whole[:ranks]


def test_a_state_goes_on_at_the_exact_row_also_with_other_ranks() -> None:
    whole = [row for row, _ in iterate_rows(StreamPosition(7, epoch=4), 20)]
    before = list(islice(iterate_rows(StreamPosition(7, epoch=4), 20, rank=0, ranks=2), 3))
    state = before[-1][1].to_json()
    assert state == {"seed": 7, "epoch": 4, "taken": 6}
    for ranks in (1, 2, 5):
        parts = [
            iterate_rows(StreamPosition.from_json(state), 20, rank=r, ranks=ranks)
            for r in range(ranks)
        ]
        after = {row for part in parts for row, _ in part}
        assert after == set(whole[6:])


@pytest.mark.parametrize("ranks", [(2, 1), (1, 2), (2, 4), (3, 1, 4, 2)])
def test_an_epoch_goes_on_with_other_ranks_in_the_same_order(ranks: tuple[int, ...]) -> None:
    position = StreamPosition(7, epoch=2)
    seen: list[int] = []
    for now in ranks:
        rounds = 3 if now != ranks[-1] else 100  # the last takes the rest of the epoch
        streams = [iterate_rows(position, 40, rank=r, ranks=now) for r in range(now)]
        taken = [list(islice(stream, rounds)) for stream in streams]
        turns = zip_longest(*taken)  # the ranks take turns, row by row
        seen += [step[0] for turn in turns for step in turn if step is not None]
        position = StreamPosition.from_json(taken[0][-1][1].to_json())
    assert seen == [row for row, _ in iterate_rows(StreamPosition(7, epoch=2), 40)]
    assert position.taken == 40


@pytest.mark.parametrize(
    "state", [{"seed": 1}, {"seed": 1, "epoch": "x", "taken": 0}, {"seed": float("inf")}]
)
def test_a_broken_state_is_an_error(state: dict[str, Any]) -> None:
    with pytest.raises(SftdataError, match="cannot be read: seed, epoch and taken"):
        StreamPosition.from_json(state)


SPLITS = [(8, 1, 1), (4, 2, 1), (1, 8, 1), (2, 2, 2), (1, 2, 4)]


@pytest.mark.parametrize(("micro_batch", "accumulate", "ranks"), SPLITS)
@pytest.mark.parametrize("units", [1, 8, 19, 32])
def test_a_step_has_the_same_units_for_any_split(
    units: int, micro_batch: int, accumulate: int, ranks: int
) -> None:
    split, whole = plan(units, micro_batch, accumulate, ranks), plan(units, 8)
    expected = {m.step_targets: set(m.units) for m in whole.iterate_epoch(1)}
    found: dict[int, list[int]] = {}
    counts = []
    for rank in range(ranks):
        mine = list(split.iterate_epoch(1, rank))
        counts.append(len(mine))
        for micro in mine:
            found.setdefault(micro.step_targets, []).extend(micro.units if micro.is_counted else ())
    assert {targets: sorted(taken) for targets, taken in found.items()} == {
        targets: sorted(taken) for targets, taken in expected.items()
    }
    assert set(counts) == {split.micro_batches_per_epoch}
    assert split.steps_per_epoch == whole.steps_per_epoch


def test_the_targets_of_a_step_are_those_of_its_units() -> None:
    for micro in plan(10, micro_batch=4).iterate_epoch(0):
        assert micro.step_targets == sum(unit + 1 for unit in micro.units)
        assert micro.step_tokens == sum(unit + 10 for unit in micro.units)


def test_a_rank_without_units_gets_one_that_does_not_count() -> None:
    first, second = (list(plan(9, 2, 2, 2).iterate_epoch(0, rank)) for rank in (0, 1))
    assert [micro.is_counted for micro in first] == [True, True, True]
    assert [micro.is_counted for micro in second] == [True, True, False]
    assert second[-1] == replace(first[-1], is_counted=False)
