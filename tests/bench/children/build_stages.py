"""Where the time of a build goes: `sftdata build` in one thread, its functions timed from outside.

    python build_stages.py ARGUMENTS OF THE COMMAND

A build reads, encodes and writes side by side; here every task is done where it is handed in, so
that each second belongs to one stage. Only pyarrow's JSON reader still uses all cores. A stage's
time is without that of the stages it calls. Prints seconds by stage as JSON; a function that is no
longer where this script looks for it is in `missing`.
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

from sftdata.building import dispatch
from sftdata.building import run as assembly
from sftdata.cli.build import command
from sftdata.writing import shards

# Stage, and where the function is that is its work: a module's name for it, or a class's.
_STAGES = (
    ("digest the sources", "golden.sources", "Source.sha256"),
    ("read and digest the earlier build", "assembly", "Assembly._finished_blocks"),
    ("read and cut", "known", "read_chunks"),
    ("parse", "golden.rows", "parse_chunks"),
    ("row ids and faults", "golden.rows", "RowReader._check"),
    ("checks", "examples", "Screen.inspect"),
    ("content hashes", "examples", "content_hashes"),
    ("render", "drafts", "render_batch"),
    ("encode", "drafts", "encode_stretches"),
    ("seams", "drafts", "is_boundary_stable"),
    ("join ids", "drafts", "join_stretches"),
    ("split, sort, account", "examples", "ExampleMaker.make"),
    ("find repeats", "repeats", "Deduplicator.drop_repeats"),
    ("write and digest", "shards", "ShardWriter.append"),
    ("write and digest", "shards", "ShardWriter.end_shard"),
    ("write and digest", "shards", "ShardWriter.close"),
    ("journal", "journal", "JournalWriter.add"),
    ("journal", "journal", "JournalWriter.note_written"),
    ("load the engine, check its vocabulary", "tokenization", "choose_encoder"),
    ("check the engine on rows", "exactness", "first_difference"),
    ("load spec, templates and tokenizer", "builder", "load_spec"),
    ("load spec, templates and tokenizer", "builder", "make_plan"),
    ("statistics", "assembly", "describe"),
    ("commit", "assembly", "commit"),
    ("card", "builder", "_tidy"),
)
_REST = "everything else"


class Stopwatch:
    """Seconds by stage; what a stage calls is not counted as its own."""

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
        """The function, its time counted as the stage's; of a generator, that of each step."""

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


class InTurn:
    """An executor, and workers, that do a task where it is handed in."""

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
    """Puts the stopwatch around every stage; those that are not there."""
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
    """Builds, and prints the seconds of each stage."""
    import_all()
    for module, name in (
        (dispatch, "ThreadPoolExecutor"),
        (dispatch, "InProcess"),
        (shards, "ThreadPoolExecutor"),
    ):
        setattr(module, name, InTurn)
    assembly._in_background = InTurn().submit
    watch = Stopwatch()
    missing = _wrap(watch)
    watch.enter(_REST)
    command.main(sys.argv[1:], standalone_mode=False)
    watch.leave()
    print(json.dumps({"stages": watch.seconds, "missing": missing}))


if __name__ == "__main__":
    main()
