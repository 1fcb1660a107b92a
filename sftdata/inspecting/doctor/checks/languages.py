"""The check on languages: targets in another language than nearly all others of the template."""

from __future__ import annotations

from collections import Counter

import numpy as np

from sftdata.base.arrow import numbers
from sftdata.inspecting.doctor.batch import RowBatch
from sftdata.inspecting.doctor.check import DatasetCheck, Hits
from sftdata.inspecting.doctor.dataset import CheckedDataset

_SAMPLE_ROWS = 1000
_FEWEST_ROWS = 20  # of a template, to know its usual language
_FEWEST_CHARS = 60  # of a target; shorter ones are guessed wrong too often
_USUAL = 0.9  # share of a template's targets in one language
_SURE = 0.999  # probability of the guess


def _other_language(dataset: CheckedDataset) -> Hits | None:
    from sftdata.reading.languages import identify

    step = max(1, len(dataset.rows.template) // _SAMPLE_ROWS)
    places, templates, texts = _sample(dataset, step)
    found = identify(texts)
    odd: list[int] = []
    usual = {}
    for template in set(templates):
        own = [i for i, t in enumerate(templates) if t == template]
        language, count = Counter(found[i][0] for i in own).most_common(1)[0]
        if len(own) >= _FEWEST_ROWS and count >= _USUAL * len(own):
            usual[template] = language
            odd += [i for i in own if found[i][0] != language and found[i][1] >= _SURE]
    if not odd:
        return None
    others = Counter(found[i][0] for i in odd).most_common(3)
    shown = ", ".join(f"{language} {count}" for language, count in others)
    expected = ", ".join(sorted(set(usual.values())))
    detail = f"in a sample of {len(texts):,} targets; expected {expected}, found {shown}"
    return Hits(np.array([places[i] for i in odd], np.int64), detail)


def _sample(dataset: CheckedDataset, step: int) -> tuple[list[int], list[int], list[str]]:
    """Places, templates and targets of every `step`-th row, if the target is long enough."""
    chosen = np.arange(0, len(dataset.rows.template), step)
    chosen = chosen[dataset.rows.target_bytes[chosen] >= _FEWEST_CHARS]
    texts: list[str] = []
    for first, rows in dataset.batches():
        here = chosen[(chosen >= first) & (chosen < first + len(rows))] - first
        if len(here):
            batch = rows.batch.take(numbers(here))
            texts += RowBatch(rows.split, batch, rows.context, rows.templates).target.to_pylist()
    return chosen.tolist(), dataset.rows.template[chosen].tolist(), texts


CHECKS = (
    DatasetCheck(
        "language-mismatch",
        "note",
        "targets in another language than nearly all others of the template",
        "Correct or drop the rows; name the language in the prompt if both are meant.",
        _other_language,
    ),
)
