"""Workers on a Ray cluster: each job is a task, which Ray runs again if its worker or node is lost.

A job holds the bytes of its rows, and the plan of the build goes to each worker once, with template
and tokenizer in it. So the machines of the cluster need neither the sources nor a shared folder,
only sftdata in the same version.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

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
    received,
    sendable,
)
from sftdata.errors import SftdataError
from sftdata.examples.maker import BlockExamples, BlockRequest, ExampleMaker


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


class RayTasks:
    """Makes examples in tasks of the cluster that `connect` has connected to."""

    def __init__(
        self, make_maker: MakeMaker, time_limit: Callable[[int], float] = allowed_seconds
    ) -> None:
        import ray

        self._ray, self._time_limit = ray, time_limit
        self._build = ray.put((__version__, secrets.token_bytes(16), make_maker))
        self._task = ray.remote(_make).options(num_cpus=1, max_retries=TRIES - 1)
        self._running: set[Any] = set()
        self._lock = threading.Lock()

    def submit(self, work: Sequence[BlockRequest]) -> Future[BlockExamples]:
        """Starts on `work`. The future raises `SftdataError` that names the rows when every try
        ended with a worker that died, or when it took too long."""
        task = self._task.remote(self._build, [sendable(item) for item in work])
        future: Future[BlockExamples] = Future()
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
            if not future.done():
                _set_result(future, done, work)

        task.future().add_done_callback(take)
        return future

    def close(self) -> None:
        """Gives up unfinished work; the cluster stays."""
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
    build: tuple[str, bytes, MakeMaker], work: Sequence[BlockRequest]
) -> BlockExamples | Exception:
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
        return _makers[key].make([received(item) for item in work])
    except Exception as error:
        return explain(error, describe_rows(work))
