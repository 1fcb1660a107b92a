"""Looking ahead: how far items are pulled, and that none is lost or out of order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sftdata.base.background import pulled_ahead


def pulled(items: list[int], log: list[int]) -> Iterator[int]:
    for item in items:
        log.append(item)
        yield item


@pytest.mark.parametrize("number", [0, 1, 3, 9])
def test_as_many_as_asked_for_are_pulled_beyond_the_one_that_is_given(number: int) -> None:
    log: list[int] = []
    given = []
    for item in pulled_ahead(pulled([*range(6)], log), number):
        given.append(item)
        assert len(log) == min(len(given) + number, 6)
    assert given == [*range(6)]


def test_what_is_ready_is_given_before_more_is_pulled() -> None:
    log: list[int] = []
    ahead = [
        (item, len(log) - 1)
        for item in pulled_ahead(pulled([2, 4, 5, 6, 8, 9, 11], log), 2, lambda item: not item % 2)
    ]
    # 6 and 8 have to wait for 5, which is given when two more are there; 9 and 11 until the end.
    assert ahead == [(2, 0), (4, 1), (5, 4), (6, 4), (8, 4), (9, 6), (11, 6)]
