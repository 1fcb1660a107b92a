"""The check on languages: targets in another one than nearly all others of their template."""

from __future__ import annotations

from collections import Counter

import numpy as np

from sftdata.base.arrow import numbers
from sftdata.inspecting.doctor.finding import Found, SetCheck
from sftdata.inspecting.doctor.rows import Rows
from sftdata.inspecting.doctor.survey import Survey

_SAMPLE_ROWS = 1000
_FEWEST_ROWS = 20
_FEWEST_CHARS = 60  # of a text whose language can be told for sure
_USUAL = 0.9  # share of a template's targets in one language
_SURE = 0.999


def _other_language(survey: Survey) -> Found | None:
    from sftdata.reading.languages import identify

    step = max(1, len(survey.template) // _SAMPLE_ROWS)
    places, templates, texts = _sample(survey, step)
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
    return Found(np.array([places[i] for i in odd], np.int64), detail)


def _sample(survey: Survey, step: int) -> tuple[list[int], list[int], list[str]]:
    """Places, templates and targets of every `step`-th row that is long enough to tell."""
    chosen = np.arange(0, len(survey.template), step)
    chosen = chosen[survey.target_bytes[chosen] >= _FEWEST_CHARS]
    texts: list[str] = []
    first = 0
    for rows in survey.batches():
        here = chosen[(chosen >= first) & (chosen < first + len(rows))] - first
        if len(here):
            taken = Rows(rows.split, rows.batch.take(numbers(here)), rows.context, rows.templates)
            texts += taken.target.to_pylist()
        first += len(rows)
    return chosen.tolist(), survey.template[chosen].tolist(), texts


CHECKS = (
    SetCheck(
        "language-mismatch",
        "note",
        "targets in another language than nearly all others of the template",
        "Correct or drop the rows; name the language in the prompt if both are meant.",
        _other_language,
    ),
)
