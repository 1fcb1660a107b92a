"""Dispatch chunks to workers, with the fast engine or the reference tokenizer.

The engine's exactness check runs beside the work; its results count once it has passed.
"""

from __future__ import annotations

import functools
import pickle
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate

from sftdata.base.reporting import Report
from sftdata.building.inputs import sample_texts
from sftdata.building.maker import example_maker, maker_in_worker
from sftdata.building.plan import Plan
from sftdata.building.ray_tasks import RayTasks, connect
from sftdata.building.workers import InProcess, Processes, Workers
from sftdata.building.workforce import Workforce, automatic_number, describe_number
from sftdata.examples.maker import BlockExamples, BlockRequest
from sftdata.reading.row_reader import row_reader
from sftdata.tokenizing.engine_cache import EncoderChoice, EngineCache

# The reference encodes this much before the engine would be loaded and checked.
_FEW_BYTES = 128 * 1024
_PART_BYTES = 4 * 1024 * 1024  # of source per job; bounds the memory of a job


class Dispatcher:
    """Starts work on chunks.

    With `few_expected` the reference encodes the first rows: it is slow, but loads sooner than the
    engine and needs no check. The engine takes over if there are more.
    """

    def __init__(
        self,
        plan: Plan,
        workforce: Workforce,
        engines: EngineCache,
        report: Report,
        *,
        few_expected: bool,
        reference_only: bool,
    ) -> None:
        self._plan, self._engines, self._report = plan, engines, report
        self._on_ray, self._reference_only = workforce.on_ray, reference_only
        self._is_automatic = workforce.number is None
        self.number_of_workers = workforce.number or automatic_number(plan)
        if workforce.on_ray:
            self.number_of_workers = connect(workforce.cluster)
        self._loading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="exactness")
        self._fault: Future[str | None] | None = None
        self._workers: Workers | None = None
        self._few: Workers | None = None
        self._bytes = 0  # of the chunks that were to be made
        if few_expected:
            reference = self._loading.submit(engines.reference_choice, plan.tokenizer)
            maker = example_maker(plan, lambda: reference.result().encoder)
            self._few = InProcess(maker, threads=1)
        else:
            self._choice = self._loading.submit(self._choose_encoder)

    def submit(self, work: Sequence[BlockRequest]) -> list[Future[BlockExamples]]:
        """Starts the work as one or more jobs."""
        return [self._submit(part) for part in _parts(work)]

    def _submit(self, work: Sequence[BlockRequest]) -> Future[BlockExamples]:
        self._bytes += sum(item.chunk.size for item in work)
        if self._few is not None and self._bytes <= _FEW_BYTES:
            return self._few.submit(work)
        if self._workers is None:
            self._workers = self._start(work)
        return self._workers.submit(work)

    @property
    def is_checked(self) -> bool | None:
        """Whether the engine has passed its exactness check so far; None if it was not used."""
        if self._fault is None:
            return None
        return self._fault.done() and self._fault.result() is None

    def find_fault(self) -> str | None:
        """Waits for the exactness check; a text that the engine encodes wrongly, or None."""
        return self._fault.result() if self._fault is not None else None

    def close(self) -> None:
        """Ends all workers and gives up unfinished work."""
        self._loading.shutdown(cancel_futures=True)
        for workers in (self._workers, self._few):
            if workers is not None:
                workers.close()

    def _start(self, sample: Sequence[BlockRequest]) -> Workers:
        """Starts the workers; beside their work the engine is loaded and checked on these rows."""
        if self._few is not None:
            self._choice = self._loading.submit(self._choose_encoder)
        choice = self._choice
        reader = row_reader(self._plan.spec, self._plan.sources)
        self._fault = self._loading.submit(
            lambda: choice.result().find_fault(
                sample_texts(reader, [item.chunk for item in sample])
            )
        )
        if self.number_of_workers == 1 and not self._on_ray:
            return InProcess(example_maker(self._plan, lambda: choice.result().encoder))
        if self._is_automatic and not self._on_ray:
            self._report(describe_number(self.number_of_workers))
        engine = choice.result().encoder.engine
        plan = with_whole_paths(self._plan) if self._on_ray else self._plan
        make = functools.partial(maker_in_worker, pickle.dumps(plan), engine)
        if self._on_ray:
            return RayTasks(make, self._report)
        return Processes(self.number_of_workers, make)

    def _choose_encoder(self) -> EncoderChoice:
        if self._reference_only:
            return self._engines.reference_choice(self._plan.tokenizer)
        return self._engines.choose_encoder(self._plan.tokenizer, self._report)


def with_whole_paths(plan: Plan) -> Plan:
    """The plan for processes in another working folder."""
    sources = [replace(s, files=tuple(path.absolute() for path in s.files)) for s in plan.sources]
    return replace(plan, sources=tuple(sources))


def _parts(work: Sequence[BlockRequest]) -> Iterator[Sequence[BlockRequest]]:
    """The work in as few parts as possible, of about the same size."""
    ends = list(accumulate(item.chunk.size for item in work))
    number = ends[-1] // _PART_BYTES + 1 if ends else 0
    first = 0
    for part in range(1, number + 1):
        last = bisect_left(ends, ends[-1] * part / number) + 1
        if last > first:
            yield work[first:last]
        first = last
