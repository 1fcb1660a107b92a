"""Defects that only the whole set shows are found."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from support.handmade import row
from support.planted import Planted, assert_found, prompt_of, sentence

from sftdata.inspecting.doctor.checks import whole_set
from sftdata.loading.dataset import Dataset


def unread_column() -> Planted:
    unread = {"a.jsonl": ["title", "system"], "b.jsonl": ["system", "history"]}
    return Planted(manifest={"unread": unread}, count=2)


def most_rows_dropped() -> Planted:
    dropped = {"duplicate": 90, "empty_field": 1}
    return Planted(manifest={"rows_in": 151, "dropped": dropped}, count=91)


def same_target() -> Planted:
    planted = Planted()
    for i in range(6, 60):
        old = planted.rows[i]
        target = "It says the same again."
        planted.rows[i] = row(old.row_id, prompt_of(i), target, split=old.split)
    planted.bad = [f"r{i}" for i in (6, 7, 8, *range(10, 17))]  # the first in train
    planted.count = 54
    return planted


def split_leak() -> Planted:
    planted = Planted()
    leaked = planted.rows[9]
    assert leaked.split == "validation"
    # The prompt and the target of a row in train, with other ids.
    target = sentence(Random(-1 - 3), 3)
    planted.rows[9] = row(leaked.row_id, prompt_of(3), target, split="validation")
    planted.bad = ["r9"]
    return planted


PLANTED: dict[str, Callable[[], Planted]] = {
    "unread-column": unread_column,
    "most-rows-dropped": most_rows_dropped,
    "same-target": same_target,
    "split-leak": split_leak,
}


@pytest.mark.parametrize("check", [check.id for check in whole_set.CHECKS])
def test_a_planted_defect_is_found_where_it_is_and_nothing_else(
    check: str, write: Callable[..., Dataset]
) -> None:
    planted = PLANTED[check]()
    also = {"split-leak": ("duplicate-example", "near-duplicate-across-splits")}.get(check, ())
    assert_found(check, planted, write(planted), also=also)
