"""Planted duplicates are found, and the copies of a mixture are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.planted import Planted, assert_found, prompt_of

from sftdata.inspecting.doctor import diagnose
from sftdata.inspecting.doctor.checks import duplicates
from sftdata.loading.dataset import Dataset


def duplicate() -> Planted:
    planted = Planted()
    return planted.change(12, input_ids=planted.rows[2].input_ids,
                          target_start=planted.rows[2].target_start)  # fmt: skip


def conflicting() -> Planted:
    planted = Planted().put(12, prompt=prompt_of(2))
    planted.bad = ["r2", "r12"]
    return planted


PLANTED: dict[str, Callable[[], Planted]] = {
    "duplicate-example": duplicate,
    "conflicting-targets": conflicting,
}  # fmt: skip


@pytest.mark.parametrize("check", [check.id for check in duplicates.CHECKS])
def test_a_planted_defect_is_found_where_it_is_and_nothing_else(
    check: str, write: Callable[..., Dataset]
) -> None:
    planted = PLANTED[check]()
    assert_found(check, planted, write(planted))


def test_a_row_that_a_mixture_repeats_is_no_duplicate(write: Callable[..., Dataset]) -> None:
    planted = Planted()
    planted.rows[12:12] = [planted.rows[2], planted.rows[7], planted.rows[2]]
    assert diagnose(write(planted)) == []
