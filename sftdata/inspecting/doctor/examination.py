"""Examine: every check over a dataset. Each batch is decoded once; text is held for a few batches.

Batches are checked side by side: decoding and matching leave Python's lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sftdata.errors import SftdataError, did_you_mean
from sftdata.inspecting.doctor.checks import CHECKS
from sftdata.inspecting.doctor.finding import Check, Finding, Found, RowCheck, SetCheck
from sftdata.inspecting.doctor.rows import Rows, learn_templates, make_context
from sftdata.inspecting.doctor.survey import (
    BatchSurvey,
    Survey,
    batches,
    join_surveys,
    row_ids,
    survey_rows,
)
from sftdata.loading.dataset import Dataset

_MOST_THREADS = 4


@dataclass(frozen=True)
class _Examined:
    """What is kept of a batch when its text is let go."""

    rows: int
    found: list[npt.NDArray[np.int64]]  # for each row check, rows of the batch
    part: BatchSurvey


def examine(data: Dataset, *, only: Sequence[str] | None = None) -> list[Finding]:
    """What is wrong with a dataset, in the order of the checks; empty when nothing is.

    `only` names the checks to run, by id. Raises `SftdataError` for an id there is not, and where
    the tokenizer of the build is gone or another one.
    """
    checks = _chosen(only)
    context = make_context(data)
    row_checks = [check for check in checks if isinstance(check, RowCheck)]
    set_checks = [check for check in checks if isinstance(check, SetCheck)]
    templates = learn_templates(data, context)
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads, "doctor") as pool:
        rows = batches(data, context, templates)
        examined = list(_in_order(pool, rows, row_checks, threads))
        by_id: dict[str, Found | None] = _gathered(row_checks, examined)
        if examined:
            survey = join_surveys(data, context, templates, [e.part for e in examined])
            by_id |= zip(
                (c.id for c in set_checks), pool.map(_run(survey), set_checks), strict=True
            )
    found = [(check, by_id.get(check.id)) for check in checks]
    return [_finding(data, check, f) for check, f in found if f is not None]


def _chosen(only: Sequence[str] | None) -> list[Check]:
    if only is None:
        return list(CHECKS)
    known = {check.id: check for check in CHECKS}
    for name in only:
        if name not in known:
            raise SftdataError(f"There is no check '{name}'.", did_you_mean(name, known))
    return [check for check in CHECKS if check.id in only]


def _in_order(
    pool: ThreadPoolExecutor, batches: Iterator[Rows], checks: list[RowCheck], threads: int
) -> Iterator[_Examined]:
    """Examines batches side by side; no more are under way than there are threads."""
    waiting: list[Future[_Examined]] = []
    for rows in batches:
        waiting.append(pool.submit(_examine_batch, rows, checks))
        if len(waiting) > threads:
            yield waiting.pop(0).result()
    yield from (job.result() for job in waiting)


def _examine_batch(rows: Rows, checks: list[RowCheck]) -> _Examined:
    found = [np.flatnonzero(check.find(rows)) for check in checks]
    return _Examined(len(rows), found, survey_rows(rows))


def _gathered(checks: list[RowCheck], examined: list[_Examined]) -> dict[str, Found | None]:
    firsts = np.cumsum([0, *(e.rows for e in examined)])
    gathered: dict[str, Found | None] = {}
    for at, check in enumerate(checks):
        places = [e.found[at] + first for e, first in zip(examined, firsts, strict=False)]
        rows = np.concatenate(places) if places else np.empty(0, np.int64)
        gathered[check.id] = Found(rows) if len(rows) else None
    return gathered


def _run(survey: Survey) -> Any:
    return lambda check: check.find(survey)


def _finding(data: Dataset, check: Check, found: Found) -> Finding:
    return Finding(
        id=check.id,
        severity=check.severity,
        title=check.title,
        count=len(found.rows) if found.count is None else found.count,
        row_ids=row_ids(data, found.rows),
        way_out=check.way_out,
        detail=found.detail,
    )
