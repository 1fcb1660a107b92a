"""A clean dataset of 60 rows in which a test plants a defect, and the check that must find it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sftdata.inspecting.doctor import diagnose
from sftdata.loading.dataset import Dataset
from support.handmade import Row, row

WORDS = [
    "river", "market", "engine", "garden", "window", "letter", "harbour", "station", "bridge",
    "mountain", "teacher", "village", "winter", "council", "painter", "factory", "library",
    "kitchen", "morning", "theatre", "doctor", "island", "paper", "summer", "office", "orchard",
]  # fmt: skip
PROMPT = "Article:\n{}\n\nSummary:\n"
CLEAN = "r5"  # a row in which nothing is planted


def sentence(rng: random.Random, words: int) -> str:
    nouns = rng.choices(WORDS, k=words)
    return "The " + " of the ".join(nouns) + f" was number {rng.randrange(10**6)}."


def prompt_of(number: int) -> str:
    return PROMPT.format(sentence(random.Random(number), 8))


def clean_rows(count: int = 60) -> list[Row]:
    """Rows without a defect: r0, r1, … and of them every tenth held out."""
    return [
        row(
            f"r{i}",
            prompt_of(i),
            sentence(random.Random(-1 - i), 3),
            split="validation" if i % 10 == 9 else "train",
        )
        for i in range(count)
    ]


@dataclass
class Planted:
    """A clean dataset with planted defects."""

    rows: list[Row] = field(default_factory=clean_rows)
    manifest: dict[str, Any] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)  # row ids
    count: int | None = None  # if it is not the number of `bad`

    def put(self, number: int, prompt: str | None = None, target: str | None = None) -> Planted:
        """Gives row `number` another text."""
        old = self.rows[number]
        text = bytes(old.input_ids[:-1]).decode()
        start = text.index("Summary:\n") + len("Summary:\n")
        self.rows[number] = row(
            old.row_id,
            text[:start] if prompt is None else prompt,
            text[start:] if target is None else target,
            split=old.split,
        )
        self.bad.append(old.row_id)
        return self

    def change(self, number: int, **values: Any) -> Planted:
        """Gives row `number` other ids or another mask."""
        self.rows[number] = replace(self.rows[number], **values)
        self.bad.append(self.rows[number].row_id)
        return self


def in_article(*texts: str) -> Callable[[], Planted]:
    """Each text in the article of a row of its own, and the last in a target too."""

    def plant() -> Planted:
        planted = Planted()
        for i, text in enumerate(texts):
            planted.put(10 * i + 1, prompt=PROMPT.format(f"Here {text} stands in an article."))
        return planted.put(3, target=f"Short {texts[-1]} and more.")

    return plant


def in_targets(*texts: str) -> Callable[[], Planted]:
    """Each text as the target of a row of its own."""

    def plant() -> Planted:
        planted = Planted()
        for i, text in enumerate(texts):
            planted.put(10 * i + 1, target=text)
        return planted

    return plant


def assert_found(check: str, planted: Planted, data: Dataset, *, also: Sequence[str] = ()) -> None:
    """Fails unless `check` finds the planted rows, and no check but those in `also` any others."""
    findings = [finding for finding in diagnose(data) if finding.id not in also]
    assert [finding.id for finding in findings] == [check]
    finding = findings[0]
    assert set(finding.row_ids) == set(planted.bad)
    assert finding.count == (len(planted.bad) if planted.count is None else planted.count)
    assert CLEAN not in finding.row_ids
    assert finding.way_out.endswith(".")
