"""Workers on a Ray cluster: each job is a task, which Ray runs again if its worker or node is lost.

The plan of the build goes to each worker once, with template and tokenizer in it. A job says where
its rows are: in a file that the worker sees at the same path, or at an address. The worker compares
them with the digests of their chunks. Where it cannot read them, or reads others, they are sent. So
the machines of the cluster need no shared folder, only sftdata in the same version.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sftdata.base.escaping import escape
from sftdata.base.version import __version__
from sftdata.base.wording import reason_of
from sftdata.building.jobs import (
    TRIES,
    MakeMaker,
    allowed_seconds,
    describe_rows,
    died,
    explain,
    not_finished,
)
from sftdata.building.work_transfer import EncodedWork, encode_work
from sftdata.errors import GoldenSetError, SftdataError
from sftdata.examples.maker import BlockExamples, BlockRequest, ExampleMaker

if TYPE_CHECKING:
    from sftdata.base.reporting import Report


def connect(cluster: str | None) -> int:
    """Connects to the cluster of this address, or to one of this machine; its number of cores.

    Raises `SftdataError` when the package is missing or the cluster cannot be reached.
    """
    try:
        import ray
    except ImportError as error:
        raise SftdataError(
            "--engine ray needs a package that is not installed.",
            "Install it: pip install 'sftdata[ray]'",
            code="E104",
        ) from error
    if not ray.is_initialized():
        try:
            ray.init(address=cluster, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise SftdataError(
                f"The Ray cluster at {escape(cluster or 'this machine')} cannot be reached: "
                f"{reason_of(error)}",
                "Look at it with: ray status --address ADDRESS",
                code="E202",
            ) from error
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return max(1, int(resources.get("CPU", 1)))


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """The answer of a worker that cannot read the rows of a source itself."""

    name: str  # of the source
    reason: str


class RayTasks:
    """Makes examples in tasks of the cluster that `connect` has connected to."""

    def __init__(
        self,
        make_maker: MakeMaker,
        report: Report = lambda line: None,
        time_limit: Callable[[int], float] = allowed_seconds,
    ) -> None:
        import ray

        self._ray, self._report, self._time_limit = ray, report, time_limit
        self._build = ray.put((__version__, secrets.token_bytes(16), make_maker))
        self._task = ray.remote(_make).options(num_cpus=1, max_retries=TRIES - 1)
        self._running: set[Any] = set()
        self._closed = False
        self._sent: set[int] = set()  # sources that a worker could not read
        self._lock = threading.Lock()

    def submit(self, work: Sequence[BlockRequest]) -> Future[BlockExamples]:
        """Starts on `work`. The future raises `SftdataError` that names the rows when every try
        ended with a worker that died, or when it took too long."""
        future: Future[BlockExamples] = Future()
        self._start(work, future)
        return future

    def _start(self, work: Sequence[BlockRequest], future: Future[BlockExamples]) -> None:
        source = work[0].chunk.source
        task = self._task.remote(self._build, encode_work(work, with_rows=source in self._sent))
        with self._lock:
            self._running.add(task)
        seconds = self._time_limit(sum(item.chunk.size for item in work))

        def end() -> None:
            if not future.done():
                future.set_exception(not_finished(describe_rows(work), seconds, 1))
                self._ray.cancel(task, force=True)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()

        def take(done: Future[Any]) -> None:
            timer.cancel()
            with self._lock:
                self._running.discard(task)
            if future.done() or self._closed:
                return
            if done.exception() is None and isinstance(answer := done.result(), _Unreadable):
                self._send_from_now_on(source, answer)
                self._start(work, future)
                return
            _set_result(future, done, work)

        task.future().add_done_callback(take)

    def _send_from_now_on(self, source: int, unreadable: _Unreadable) -> None:
        with self._lock:
            is_known = source in self._sent
            self._sent.add(source)
        if not is_known:
            self._report(
                f"The machines of the cluster cannot read {unreadable.name} themselves, so its "
                f"rows are sent to them: {unreadable.reason}"
            )

    def close(self) -> None:
        """Gives up unfinished work; the cluster stays."""
        self._closed = True
        with self._lock:
            running = list(self._running)
        for task in running:
            self._ray.cancel(task, force=True)


def _set_result(
    future: Future[BlockExamples], done: Future[Any], work: Sequence[BlockRequest]
) -> None:
    error = done.exception()
    answer = error if error is not None else done.result()
    if isinstance(answer, BlockExamples):
        future.set_result(answer)
    elif isinstance(answer, SftdataError):
        future.set_exception(answer)
    elif error is not None and _is_death(error):
        future.set_exception(died(describe_rows(work), TRIES, type(error).__name__))
    else:
        future.set_exception(answer)


def _is_death(error: BaseException) -> bool:
    from ray.exceptions import NodeDiedError, OutOfMemoryError, WorkerCrashedError

    return isinstance(error, (NodeDiedError, OutOfMemoryError, WorkerCrashedError))


# --- in a worker ----------------------------------------------------------------------------------

_makers: dict[bytes, ExampleMaker] = {}  # of the last build that this worker had work of


def _make(
    build: tuple[str, bytes, MakeMaker], work: EncodedWork
) -> BlockExamples | _Unreadable | Exception:
    """The examples of a job, or its error; an error that is raised would lose its kind."""
    version, key, make_maker = build
    if version != __version__:
        return SftdataError(
            f"A machine of the Ray cluster has sftdata {__version__}, and this one {version}.",
            "Install the same version on all machines.",
            code="E703",
        )
    try:
        if key not in _makers:
            _makers.clear()
            _makers[key] = make_maker()
        maker = _makers[key]
        try:
            requests = work.decode(maker.reader.sources)
        except GoldenSetError as error:
            if work.offsets is None:
                raise
            name = maker.reader.sources[work.source].name
            return _Unreadable(name, str(error).splitlines()[0])
        return maker.make(requests)
    except Exception as error:
        return explain(error, work.description)
