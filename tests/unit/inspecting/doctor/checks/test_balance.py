"""Planted imbalances are found."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from support.planted import PROMPT, Planted, assert_found, clean_rows, sentence

from sftdata.inspecting.doctor.checks import balance
from sftdata.loading.dataset import Dataset


def template_dominates() -> Planted:
    planted = Planted()
    for i in range(5, 60, 5):
        planted.rows[i] = replace(planted.rows[i], template="made/other@1.0.0")
    planted.count = 60 - 11
    return planted


def source_dominates() -> Planted:
    sources = [{"path": "a.jsonl", "rows": 120, "sha256": ""}]
    sources.append({"path": "b.jsonl", "rows": 10, "sha256": ""})
    return Planted(manifest={"sources": sources}, count=120)


def length_ratio() -> Planted:
    return Planted(clean_rows(130)).put(11, target=sentence(random.Random(1), 60))


def loss_concentrated() -> Planted:
    rng = random.Random(5)
    article, summary = sentence(rng, 1200), sentence(rng, 300)
    return Planted(clean_rows(130)).put(3, prompt=PROMPT.format(article), target=summary)


def empty_split() -> Planted:
    return Planted(manifest={"splits": {"test": {"shards": []}}}, count=1)


PLANTED: dict[str, Callable[[], Planted]] = {
    "length-ratio": length_ratio,
    "template-dominates": template_dominates,
    "source-dominates": source_dominates,
    "loss-concentrated": loss_concentrated,
    "empty-split": empty_split,
}  # fmt: skip


@pytest.mark.parametrize("check", [check.id for check in balance.CHECKS])
def test_a_planted_defect_is_found_where_it_is_and_nothing_else(
    check: str, write: Callable[..., Dataset]
) -> None:
    planted = PLANTED[check]()
    assert_found(check, planted, write(planted))
