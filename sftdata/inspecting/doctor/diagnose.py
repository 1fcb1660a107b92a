"""Run the checks over a dataset. Each batch is decoded once; a few batches are held at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from sftdata.errors import SftdataError, did_you_mean
from sftdata.inspecting.doctor.batch import RowBatch
from sftdata.inspecting.doctor.check import Check, DatasetCheck, Hits, RowCheck
from sftdata.inspecting.doctor.checks import CHECKS
from sftdata.inspecting.doctor.context import DatasetContext, read_context
from sftdata.inspecting.doctor.dataset import (
    MOST_EXAMPLES,
    CheckedDataset,
    learn_templates,
    read_batches,
    read_rows,
)
from sftdata.inspecting.doctor.finding import SEVERITIES, Finding, FoundRow
from sftdata.inspecting.doctor.measures import RowMeasures, allocate_measures, measure_rows
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
    measures: RowMeasures | None  # if a check needs them


@dataclass
class _RowHits:
    """The rows that a check has found so far: all of them are counted, `most` of them kept."""

    most: int | None  # None: all
    count: int = 0
    kept: list[npt.NDArray[np.int64]] = field(default_factory=list)

    def add_rows(self, rows: npt.NDArray[np.int64]) -> None:
        """Takes rows that come after those of the calls before."""
        if len(rows) and (self.most is None or self.count < self.most):
            self.kept.append(rows[: self.most])
        self.count += len(rows)

    def to_hits(self) -> Hits | None:
        """The hits; None without any."""
        return Hits(np.concatenate(self.kept), count=self.count) if self.count else None


def diagnose(data: Dataset, *, only: Sequence[str] | None = None) -> list[Finding]:
    """The defects of a dataset: the worst first, then in the order of the checks.

    `only`: ids of the checks to run. Raises `SftdataError` for an unknown id, and when the
    tokenizer of the build is gone or another one.
    """
    checks = _choose(only)
    context = read_context(data)
    templates = learn_templates(data, context)
    hits = _find_hits(data, checks, context, templates, most=MOST_EXAMPLES)
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
    *,
    most: int | None = None,
) -> dict[str, Hits | None]:
    """The hits of each check, by its id. `most`: keep no more rows of each, the first ones."""
    row_checks = [check for check in checks if isinstance(check, RowCheck)]
    dataset_checks = [check for check in checks if isinstance(check, DatasetCheck)]
    row_hits = [_RowHits(most) for _ in row_checks]
    rows = sum(len(split) for split in data.values())
    measures = allocate_measures(rows if dataset_checks else 0)
    first = 0
    for result in _check_batches(
        read_batches(data, context, templates), row_checks, with_measures=bool(dataset_checks)
    ):
        for found, places in zip(row_hits, result.hits, strict=True):
            found.add_rows(places + first)
        if result.measures is not None:
            measures.put(first, result.measures)
        first += result.rows
    hits: dict[str, Hits | None] = dict.fromkeys(check.id for check in checks)
    for check, found in zip(row_checks, row_hits, strict=True):
        hits[check.id] = found.to_hits()
    if rows:
        # One after another: each may hold several numbers for each row.
        dataset = CheckedDataset(data, context, templates, measures)
        for dataset_check in dataset_checks:
            hits[dataset_check.id] = _keep_first(dataset_check.find(dataset), most)
    return hits


def _keep_first(hits: Hits | None, most: int | None) -> Hits | None:
    """The hits with their first `most` rows, and the number of all."""
    if hits is None or most is None or len(hits.rows) <= most:
        return hits
    count = len(hits.rows) if hits.count is None else hits.count
    return replace(hits, rows=np.sort(hits.rows)[:most].copy(), count=count)


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
    batches: Iterator[RowBatch], checks: list[RowCheck], *, with_measures: bool
) -> Iterator[_BatchResult]:
    """The results in order; no more batches are in memory than there are threads, plus one."""
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    # Threads help: decoding and matching release the GIL.
    with ThreadPoolExecutor(threads, "doctor") as pool:
        waiting: deque[Future[_BatchResult]] = deque()
        for batch in batches:
            waiting.append(pool.submit(_check_batch, batch, checks, with_measures=with_measures))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _check_batch(batch: RowBatch, checks: list[RowCheck], *, with_measures: bool) -> _BatchResult:
    hits = [np.flatnonzero(check.find(batch)) for check in checks]
    return _BatchResult(len(batch), hits, measure_rows(batch) if with_measures else None)


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
