"""A planted target in another language is found."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from support.handmade import row
from support.planted import WORDS, Planted, assert_found, prompt_of

from sftdata.inspecting.doctor.checks import languages
from sftdata.loading.dataset import Dataset


def other_language() -> Planted:
    planted = Planted()
    for i, r in enumerate(planted.rows):
        noun, other = random.Random(i).sample(WORDS, 2)
        text = f"It was said that the {noun} would have been seen by everyone at the {other} {i}."
        planted.rows[i] = row(r.row_id, prompt_of(i), text, split=r.split)
    german = "Man hat gesagt, dass die Brücke schon immer von allen gesehen werden konnte."
    return planted.put(31, target=german)


PLANTED: dict[str, Callable[[], Planted]] = {
    "language-mismatch": other_language,
}  # fmt: skip


@pytest.mark.parametrize("check", [check.id for check in languages.CHECKS])
def test_a_planted_defect_is_found_where_it_is_and_nothing_else(
    check: str, write: Callable[..., Dataset]
) -> None:
    planted = PLANTED[check]()
    assert_found(check, planted, write(planted))
