"""The time of each stage of `sftdata build`, in one thread, by wrapping its functions.

    python build_stages.py ARGUMENTS OF THE COMMAND

A build reads, encodes and writes side by side. Here each task runs where it is submitted, so that
each second belongs to one stage; only pyarrow's JSON reader uses all cores. The time of a stage is
without that of the stages it calls. Prints seconds by stage as JSON, and in `missing` the functions
that were not found.
"""

from __future__ import annotations

import os

# As the command does, before Arrow is loaded.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

import functools
import importlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from build_inside import import_all

from sftdata.building import build as building
from sftdata.building import dispatch
from sftdata.cli.build import command
from sftdata.writing import shards

# Stage, module, and the function or method as that module names it.
_STAGES = (
    ("load spec, templates and tokenizer", "building.build", "find_spec_to_build"),
    ("load spec, templates and tokenizer", "building.build", "make_plan"),
    ("digest the sources", "reading.sources.resolve", "Source.sha256"),
    ("open earlier builds", "building.run", "BuildRun._earlier_builds"),
    ("load the engine, check its vocabulary", "building.dispatch", "Dispatcher._choose_encoder"),
    ("check the engine on rows", "tokenizing.exactness", "first_difference"),
    ("read and cut into chunks", "reading.row_reader", "read_chunks"),
    ("parse", "reading.rows", "parse_chunks"),
    ("row ids and faults", "reading.rows", "RowReader._check"),
    ("checks", "examples.maker", "Screen.inspect"),
    ("content hashes", "examples.maker", "content_hashes"),
    ("render", "examples.fit", "render_batch"),
    ("encode", "examples.fit", "encode_segments"),
    ("boundary check", "examples.fit", "is_boundary_stable"),
    ("join ids", "examples.fit", "join_segments"),
    ("split, sort, count", "examples.maker", "ExampleMaker.make"),
    ("find duplicates", "building.deduplicate", "Deduplicator.drop_repeats"),
    ("write and digest", "writing.shards", "ShardWriter.append"),
    ("write and digest", "writing.shards", "ShardWriter.end_shard"),
    ("write and digest", "writing.shards", "ShardWriter.close"),
    ("journal", "writing.journal", "JournalWriter.add_blocks"),
    ("journal", "writing.journal", "JournalWriter.note_progress"),
    ("statistics", "building.run", "describe_build"),
    ("commit", "building.build", "commit"),
    ("card", "building.build", "tidy"),
)
_REST = "everything else"


class Stopwatch:
    """Seconds by stage, without the stages it calls."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open = [_REST]
        self._since = time.perf_counter()

    def enter(self, stage: str) -> None:
        self._note()
        self._open.append(stage)

    def leave(self) -> None:
        self._note()
        self._open.pop()

    def _note(self) -> None:
        now = time.perf_counter()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time added to the stage. A generator is timed at each step."""

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self.enter(stage)
            try:
                result = function(*args, **kwargs)
            finally:
                self.leave()
            return self._steps(stage, result) if isinstance(result, Iterator) else result

        return wrapper

    def _steps(self, stage: str, steps: Iterator[Any]) -> Iterator[Any]:
        while True:
            self.enter(stage)
            try:
                step = next(steps)
            except StopIteration:
                return
            finally:
                self.leave()
            yield step


class RunAtOnce:
    """An executor, and workers, that run a task in `submit`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make = args[0].make if args else None

    def submit(self, task: Any, *args: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(self._make(task) if self._make else task(*args))
        return done

    def shutdown(self, **kwargs: Any) -> None:
        pass

    def close(self) -> None:
        pass


def _wrap(watch: Stopwatch) -> list[str]:
    """Wrap the functions of all stages; returns those that were not found."""
    missing = []
    for stage, module, name in _STAGES:
        owner: Any = importlib.import_module(f"sftdata.{module}")
        *holders, last = name.split(".")
        for holder in holders:
            owner = getattr(owner, holder, None)
        found = vars(owner).get(last) if owner is not None else None
        if found is None:
            missing.append(f"{module}.{name}")
        elif isinstance(found, functools.cached_property):
            found.func = watch.timed(stage, found.func)
        else:
            setattr(owner, last, watch.timed(stage, found))
    return missing


def main() -> None:
    """Build, and print the seconds of each stage."""
    import_all()
    for module, name in (
        (dispatch, "ThreadPoolExecutor"),
        (dispatch, "InProcess"),
        (shards, "ThreadPoolExecutor"),
    ):
        setattr(module, name, RunAtOnce)
    building.run_in_background = RunAtOnce().submit
    watch = Stopwatch()
    missing = _wrap(watch)
    watch.enter(_REST)
    command.main(sys.argv[1:], standalone_mode=False)
    watch.leave()
    print(json.dumps({"stages": watch.seconds, "missing": missing}))


if __name__ == "__main__":
    main()
