"""Workers that make examples of chunks: threads of this process, or processes that may die.

Results come back in the order of submission, so the shards never depend on the kind of worker.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sftdata.building.exchange import pack, receive, send
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
from sftdata.errors import SftdataError
from sftdata.examples.maker import BlockExamples, BlockRequest, ExampleMaker

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess


class Workers(Protocol):
    """Makes examples of chunks."""

    def submit(self, work: Sequence[BlockRequest]) -> Future[BlockExamples]:
        """Starts on `work`."""
        ...

    def close(self) -> None:
        """Ends the workers and gives up unfinished work."""
        ...


class InProcess:
    """Threads of this process. With two, one parses a batch while the other encodes one; both are
    native code that releases the interpreter lock."""

    def __init__(self, maker: ExampleMaker, threads: int = 2) -> None:
        self._maker = maker
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="examples")

    def submit(self, work: Sequence[BlockRequest]) -> Future[BlockExamples]:
        """Starts on `work`."""
        return self._pool.submit(self._maker.make, work)

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)


@dataclass
class _Job:
    work: Sequence[BlockRequest]
    future: Future[BlockExamples] = field(default_factory=Future)
    tries: int = 0
    seconds: float = 0.0  # of the last try that was ended; 0 where none was

    @property
    def size(self) -> int:
        """Bytes of source."""
        return sum(item.chunk.size for item in self.work)


class Processes:
    """Several processes, each served by a thread of its own over a pipe of its own.

    A process that dies closes its pipe, which its thread sees at once: it starts another one and
    hands it the same chunks. A process that takes too long is killed. No queue or lock is shared
    between processes, so none can be left held by a dead one.
    """

    def __init__(
        self,
        number: int,
        make_maker: MakeMaker,
        time_limit: Callable[[int], float] = allowed_seconds,
    ) -> None:
        from multiprocessing import resource_tracker

        # Starting the tracker unblocks SIGINT; do it here, or the workers would inherit that.
        with _safe_path():
            resource_tracker.ensure_running()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._time_limit = time_limit
        self._running: dict[int, SpawnProcess] = {}  # by thread
        self._threads = [
            threading.Thread(target=self._serve, args=(make_maker,), daemon=True)
            for _ in range(number)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Sequence[BlockRequest]) -> Future[BlockExamples]:
        """Starts on `work`.

        The future raises `SftdataError` that names the rows when every try ended with a process
        that died or hung.
        """
        job = _Job(work)
        self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Ends the processes."""
        self._closed = True
        for process in list(self._running.values()):
            process.kill()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self, make_maker: MakeMaker) -> None:
        # A process inherits the mask: Ctrl-C is for the parent, which ends its workers itself.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        pipe: Connection | None = None
        while not self._closed and (job := self._jobs.get()) is not None:
            while not job.future.done() and not self._closed:
                job.tries += 1
                try:
                    first = [make_maker] if pipe is None else []
                    pipe = pipe or self._start()
                    answer = self._ask(pipe, job, first)
                except (EOFError, OSError):
                    pipe = None
                    if job.tries >= TRIES:
                        job.future.set_exception(_explain_end(job, self._end()))
                    else:
                        self._end()
                    continue
                except Exception as error:  # the caller waits for the future
                    pipe = None
                    self._end()
                    job.future.set_exception(error)
                    continue
                if isinstance(answer, Exception):
                    job.future.set_exception(answer)
                else:
                    job.future.set_result(answer)
        self._end()

    def _ask(self, pipe: Connection, job: _Job, first: Sequence[MakeMaker]) -> Any:
        """The worker's answer; a new worker is sent `first`, too.

        Its process is killed when the time is over, which ends the pipe.
        """
        seconds, job.seconds = self._time_limit(job.size), 0.0
        process = self._running[threading.get_ident()]

        def end() -> None:
            job.seconds = seconds
            process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            for message in (*first, encode_work(job.work)):
                send(pipe, pack(message))
            return receive(pipe)
        finally:
            timer.cancel()

    def _start(self) -> Connection:
        from multiprocessing import get_context

        # Threads of this process may hold locks that a fork would copy as held.
        context = get_context("spawn")
        try:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs,), daemon=True)
            with _safe_path():
                process.start()
        except OSError as error:
            raise SftdataError(
                f"A worker process cannot be started: {error.strerror or error}.",
                "Use fewer workers, or raise the limits of processes and open files (ulimit -u, "
                "ulimit -n).",
                code="E804",
            ) from error
        theirs.close()
        self._running[threading.get_ident()] = process
        if self._closed:  # between the start and the entry above
            process.kill()
        return ours

    def _end(self) -> int | None:
        """Ends this thread's process; its exit code."""
        process = self._running.pop(threading.get_ident(), None)
        if process is None:
            return None
        process.kill()
        process.join()
        return process.exitcode


def _explain_end(job: _Job, exit_code: int | None) -> SftdataError:
    rows = describe_rows(job.work)
    if job.seconds:
        return not_finished(rows, job.seconds, job.tries)
    return died(rows, job.tries, f"exit code {exit_code}")


_path_lock = threading.Lock()


@contextlib.contextmanager
def _safe_path() -> Iterator[None]:
    """A process that starts meanwhile imports nothing from the working directory.

    It runs `python -c`, which would: strangers' files may lie there, such as a `struct.py`. It
    takes over the path of this process afterwards.
    """
    name = "PYTHONSAFEPATH"
    with _path_lock:
        before = os.environ.get(name)
        os.environ[name] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before


def _work(pipe: Connection) -> None:
    """The life of a worker process: makes examples until its pipe closes."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    maker: ExampleMaker | None = None
    try:
        make_maker = receive(pipe)
        while True:
            work: EncodedWork = receive(pipe)
            try:
                maker = maker or make_maker()
                answer = pack(maker.make(work.decode(maker.reader.sources)))
            except Exception as error:
                answer = pack(explain(error, work.description))
            send(pipe, answer)
    except (EOFError, OSError):
        return  # the parent is gone, or has closed the pipe
