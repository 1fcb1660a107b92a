"""A planted near duplicate is found, and shots are not taken for one."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from support.planted import PROMPT, Planted, assert_found, sentence

from sftdata.inspecting.doctor import diagnose
from sftdata.inspecting.doctor.checks import near_duplicates
from sftdata.loading.dataset import Dataset


def near_duplicate() -> Planted:
    planted = Planted()
    article = sentence(random.Random(99), 20)
    planted.put(2, prompt=PROMPT.format(article))
    planted.put(9, prompt=PROMPT.format(article.replace("number", "figure")))
    same = bytes(planted.rows[2].input_ids[planted.rows[2].target_start : -1]).decode()
    planted.put(9, prompt=PROMPT.format(article.replace("number", "figure")), target=same)
    planted.bad = ["r9"]
    return planted


PLANTED: dict[str, Callable[[], Planted]] = {
    "near-duplicate-across-splits": near_duplicate,
}  # fmt: skip


@pytest.mark.parametrize("check", [check.id for check in near_duplicates.CHECKS])
def test_a_planted_defect_is_found_where_it_is_and_nothing_else(
    check: str, write: Callable[..., Dataset]
) -> None:
    planted = PLANTED[check]()
    assert_found(check, planted, write(planted))


@pytest.mark.parametrize(("shots", "found"), [([0], 1), ([0, 2], 0)])
def test_shots_are_not_taken_for_near_duplicates(
    shots: list[int], found: int, write: Callable[..., Dataset]
) -> None:
    planted = Planted(manifest={"options": {"max_length": None, "shots": shots}})
    shot = sentence(random.Random(99), 60)
    for number in (2, 9):
        own = sentence(random.Random(number), 2)
        planted.put(number, prompt=PROMPT.format(f"{shot}\n{own}"), target=f"Of {own}")
    assert len(diagnose(write(planted), only=["near-duplicate-across-splits"])) == found


def test_a_sample_of_very_many_held_out_rows_is_compared_and_said(
    write: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write(near_duplicate())
    assert near_duplicates.describe_sample(data) == ""
    (whole,) = diagnose(data, only=[near_duplicates.ID])
    monkeypatch.setattr(near_duplicates, "_MOST_ROWS", 4)
    assert list(map(len, data.values())) == [54, 6]
    assert near_duplicates.describe_sample(data) == "a sample of 3 of the 6 held-out rows"
    (found,) = diagnose(data, only=[near_duplicates.ID])  # r9 is the first of them
    assert found.rows == whole.rows
    assert found.detail == f"of a sample of 3 of the 6 held-out rows: {whole.detail}"
    monkeypatch.setattr(near_duplicates, "_MOST_TOKENS", 1)
    assert near_duplicates.describe_sample(data) == "a sample of 1 of the 6 held-out rows"
