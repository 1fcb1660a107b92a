"""Prefetching: how many items are taken ahead, and that none is lost or out of order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sftdata.base.background import prefetch, run_in_background


def take(items: list[int], log: list[int]) -> Iterator[int]:
    for item in items:
        log.append(item)
        yield item


@pytest.mark.parametrize("number", [0, 1, 3, 9])
def test_so_many_items_are_taken_beyond_the_one_that_is_given(number: int) -> None:
    log: list[int] = []
    given = []
    for item in prefetch(take([*range(6)], log), number):
        given.append(item)
        assert len(log) == min(len(given) + number, 6)
    assert given == [*range(6)]


def test_an_item_that_is_ready_is_given_before_more_are_taken() -> None:
    log: list[int] = []
    ahead = [
        (item, len(log) - 1)
        for item in prefetch(take([2, 4, 5, 6, 8, 9, 11], log), 2, lambda item: not item % 2)
    ]
    # 6 and 8 wait for 5, which is given when two more are taken; 9 and 11 wait for the end.
    assert ahead == [(2, 0), (4, 1), (5, 4), (6, 4), (8, 4), (9, 6), (11, 6)]


def test_the_result_or_the_error_of_background_work_comes_when_it_is_asked_for() -> None:
    assert run_in_background(lambda: 3).result() == 3
    with pytest.raises(KeyError):
        run_in_background(lambda: {}["nope"]).result()
