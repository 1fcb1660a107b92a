"""Run the checks over a dataset. Each batch is decoded once; a few batches are held at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sftdata.errors import SftdataError, did_you_mean
from sftdata.inspecting.doctor.batch import RowBatch
from sftdata.inspecting.doctor.check import Check, DatasetCheck, Hits, RowCheck
from sftdata.inspecting.doctor.checks import CHECKS
from sftdata.inspecting.doctor.context import DatasetContext, read_context
from sftdata.inspecting.doctor.dataset import (
    CheckedDataset,
    learn_templates,
    read_batches,
    read_rows,
)
from sftdata.inspecting.doctor.finding import SEVERITIES, Finding, FoundRow
from sftdata.inspecting.doctor.measures import RowMeasures, join_measures, measure_rows
from sftdata.inspecting.doctor.quotes import quote_target
from sftdata.inspecting.doctor.template_facts import TemplateFacts
from sftdata.loading.dataset import Dataset
from sftdata.writing.row_places import find_row_places

_MOST_THREADS = 4


@dataclass(frozen=True)
class _BatchResult:
    """The results of a batch, kept when its text is let go."""

    rows: int
    hits: list[npt.NDArray[np.int64]]  # for each row check, rows of the batch
    measures: RowMeasures


def diagnose(data: Dataset, *, only: Sequence[str] | None = None) -> list[Finding]:
    """The defects of a dataset: the worst first, then in the order of the checks.

    `only`: ids of the checks to run. Raises `SftdataError` for an unknown id, and when the
    tokenizer of the build is gone or another one.
    """
    checks = _choose(only)
    context = read_context(data)
    templates = learn_templates(data, context)
    hits = _find_hits(data, checks, context, templates)
    findings = [
        _to_finding(check, found, _quote_rows(check, found, data, context, templates))
        for check in checks
        if (found := hits.get(check.id)) is not None
    ]
    return sorted(_with_places(data, findings), key=lambda one: SEVERITIES.index(one.severity))


def find_rows_with(data: Dataset, check_id: str) -> npt.NDArray[np.int64]:
    """Places of the rows with a defect, counted over all splits in their order.

    Raises `SftdataError` for an unknown check, and for one whose defect is not one of single rows.
    """
    checks = _choose([check_id])
    context = read_context(data)
    hits = _find_hits(data, checks, context, learn_templates(data, context))[check_id]
    if hits is None:
        raise SftdataError(
            f"The check '{check_id}' finds nothing.",
            f"See the findings: sftdata doctor {data.manifest.directory}",
            code="E102",
        )
    if not len(hits.rows):
        raise SftdataError(
            f"The finding '{check_id}' is about the dataset as a whole, so it names no rows.",
            f"See it: sftdata doctor {data.manifest.directory} --check {check_id}",
            code="E102",
        )
    return hits.rows


def _find_hits(
    data: Dataset,
    checks: list[Check],
    context: DatasetContext,
    templates: Mapping[str, TemplateFacts],
) -> dict[str, Hits | None]:
    """The hits of each check, by its id."""
    row_checks = [check for check in checks if isinstance(check, RowCheck)]
    dataset_checks = [check for check in checks if isinstance(check, DatasetCheck)]
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    # Threads help: decoding and matching release the GIL.
    with ThreadPoolExecutor(threads, "doctor") as pool:
        batches = read_batches(data, context, templates)
        results = list(_check_batches(pool, batches, row_checks, threads))
        hits: dict[str, Hits | None] = dict.fromkeys(check.id for check in checks)
        hits |= _join_hits(row_checks, results)
        if results:
            measures = join_measures([result.measures for result in results])
            dataset = CheckedDataset(data, context, templates, measures)
            ids = [check.id for check in dataset_checks]
            dataset_hits = pool.map(lambda check: check.find(dataset), dataset_checks)
            hits |= zip(ids, dataset_hits, strict=True)
    return hits


def _choose(only: Sequence[str] | None) -> list[Check]:
    if only is None:
        return list(CHECKS)
    known = {check.id: check for check in CHECKS}
    for name in only:
        if name not in known:
            raise SftdataError(
                f"There is no check '{name}'.", did_you_mean(name, known), code="E102"
            )
    return [check for check in CHECKS if check.id in only]


def _check_batches(
    pool: ThreadPoolExecutor, batches: Iterator[RowBatch], checks: list[RowCheck], threads: int
) -> Iterator[_BatchResult]:
    """The results in order; no more batches are in memory than there are threads, plus one."""
    waiting: list[Future[_BatchResult]] = []
    for batch in batches:
        waiting.append(pool.submit(_check_batch, batch, checks))
        if len(waiting) > threads:
            yield waiting.pop(0).result()
    yield from (job.result() for job in waiting)


def _check_batch(batch: RowBatch, checks: list[RowCheck]) -> _BatchResult:
    hits = [np.flatnonzero(check.find(batch)) for check in checks]
    return _BatchResult(len(batch), hits, measure_rows(batch))


def _join_hits(checks: list[RowCheck], results: list[_BatchResult]) -> dict[str, Hits | None]:
    """The hits of each check over all batches, by its id."""
    firsts = np.cumsum([0, *(result.rows for result in results)])
    joined: dict[str, Hits | None] = {}
    for at, check in enumerate(checks):
        places = [r.hits[at] + first for r, first in zip(results, firsts, strict=False)]
        rows = np.concatenate(places) if places else np.empty(0, np.int64)
        joined[check.id] = Hits(rows) if len(rows) else None
    return joined


def _quote_rows(
    check: Check,
    hits: Hits,
    data: Dataset,
    context: DatasetContext,
    templates: Mapping[str, TemplateFacts],
) -> tuple[FoundRow, ...]:
    """The first few rows with the defect, still without their places."""
    if hits.found:
        return hits.found
    quote = check.quote if isinstance(check, RowCheck) else quote_target
    rows = read_rows(data, context, templates, hits.rows)
    return tuple(FoundRow(row.batch.column("row_id")[0].as_py(), "", quote(row)) for row in rows)


def _to_finding(check: Check, hits: Hits, rows: tuple[FoundRow, ...]) -> Finding:
    return Finding(
        id=check.id,
        severity=check.severity,
        title=check.title,
        count=len(hits.rows) if hits.count is None else hits.count,
        rows=rows,
        way_out=check.way_out,
        detail=hits.detail,
    )


def _with_places(data: Dataset, findings: list[Finding]) -> list[Finding]:
    """The findings, with the place in its source of each row."""
    ids = {row.row_id for finding in findings for row in finding.rows if not row.source}
    places = find_row_places(data.manifest, ids)
    return [
        replace(
            finding,
            rows=tuple(
                row if row.source else replace(row, source=places.get(row.row_id, ""))
                for row in finding.rows
            ),
        )
        for finding in findings
    ]
