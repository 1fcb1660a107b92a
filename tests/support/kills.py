"""Builds that die at a chosen moment, and what must hold of the dataset afterwards.

Run as a script, this file is a process that has imported everything and started nothing: each
build is a fork of it, so that a kill costs a build and not the import of the libraries.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPEC = """
task = "faulty"
description = "Rows that are whole, cut, dropped and repeated."
license = "CC0-1.0"
language = ["en"]
data = [{data}]
template = "summarize/article"
tokenizer = "{tokenizer}"
max_length = {max_length}
max_dropped = 10
[fields]
id = {{ path = "id", optional = true }}
article = "article"
summary = "summary"
"""


@dataclass(frozen=True)
class Run:
    """How a build ended."""

    killed: bool
    seconds: float
    operations: int  # writes, renames, … on files; counted only when `count` or `kill_at` is given
    outcome: Mapping[str, Any] | None  # up_to_date, reused_rows, rows_in
    error: str | None


class Forker:
    """Starts builds as forks of a process that has imported everything.

    `sizes` are those of `Sizes`, so that little data makes many batches, shards and journal lines.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(dict(sizes))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        spec: Path,
        out: Path,
        *,
        kill_after: float | None = None,
        kill_at: int | None = None,
        count: bool = False,
    ) -> Run:
        """Builds; SIGKILL after so many seconds, or right before the n-th file operation."""
        request = {
            "spec": str(spec),
            "out": str(out),
            "kill_after": kill_after,
            "kill_at": kill_at,
            "count": count,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Run(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def forker(**sizes: int) -> Iterator[Forker]:
    """A `Forker`, closed at the end."""
    process = Forker(sizes)
    try:
        yield process
    finally:
        process.close()


def make_rows(number: int, seed: int, words: int = 80, ids: bool = True) -> list[dict[str, str]]:
    """Rows of which some are empty and some too long; without ids, some are repeated."""
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(2, 9))) for _ in range(999)]
    rows: list[dict[str, str]] = []
    for i in range(number):
        fate = rng.random()
        article = " ".join(rng.choices(vocabulary, k=words * 8 if fate < 0.02 else words))
        row = {"id": f"{seed}-{i}", "article": article, "summary": f"{article[:60]}. {fate:.3f}"}
        if 0.02 < fate < 0.03:
            row["summary"] = ""
        if not ids:
            del row["id"]
            if 0.03 < fate < 0.06 and rows:
                row = rng.choice(rows)
        rows.append(row)
    return rows


def change_rows(
    rows: list[dict[str, str]], seed: int, words: int = 80, ids: bool = True
) -> list[dict[str, str]]:
    """About half of the rows as they were; the others edited, taken out, or new."""
    rng = random.Random(seed)
    half = len(rows) // 2
    changed = make_rows(10, seed, words, ids) + rows[:half]
    for i in rng.sample(range(10, half), 5):
        changed[i] = dict(changed[i], article=changed[i]["article"] + " and more")
    del changed[half // 2]
    return changed + make_rows(half, seed + 1, words, ids)


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_spec(path: Path, *data: Path, tokenizer: str, max_length: int = 900) -> Path:
    names = ", ".join(json.dumps(str(item)) for item in data)
    path.write_text(SPEC.format(data=names, tokenizer=tokenizer, max_length=max_length))
    return path


def files_of(out: Path) -> dict[str, str]:
    """Digest of every file in a dataset by its path; of the journal only that it is there."""
    digests = {}
    for path in sorted(out.rglob("*")):
        if path.is_file() and path.name != ".lock":
            data = b"" if path.name == "journal.jsonl" else path.read_bytes()
            digests[path.relative_to(out).as_posix()] = hashlib.sha256(data).hexdigest()
        elif path.is_dir():
            digests[path.relative_to(out).as_posix() + "/"] = ""
    return digests


def manifest_of(out: Path) -> dict[str, Any] | None:
    """The manifest of the dataset in `out`, which must be whole and readable; None if none is."""
    from sftdata.inspecting.verify import find_faults
    from sftdata.loading.dataset import load

    if not (out / "manifest.json").exists():
        return None
    assert find_faults(out) == []
    content = dict(load(out).manifest.content)
    for name, split in load(out).items():
        batch = split.to_batch()
        listed = content["splits"][name]["shards"]
        assert len(batch.row_id) == sum(shard["rows"] for shard in listed)
        assert len(batch.input_ids) == sum(shard["tokens"] for shard in listed)
        assert int(batch.label_mask.sum()) == sum(shard["target_tokens"] for shard in listed)
    return content


def digests_of(manifest: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """File name and digest of every shard, by split."""
    return {
        name: [(Path(shard["path"]).name, shard["sha256"]) for shard in split["shards"]]
        for name, split in manifest["splits"].items()
    }


# From here on: the process that forks.


def _serve() -> None:
    import gigatoken  # noqa: F401  # the engines import it when they are made

    import sftdata.building.run  # noqa: F401  # so that each fork has it
    from sftdata.base.sizes import Sizes
    from sftdata.building.build import build_spec
    from sftdata.spec.load import load_spec

    sizes = Sizes(**json.loads(sys.argv[1]))

    def build(spec: str, out: str) -> Any:
        return build_spec(load_spec(file=Path(spec)), out=out, sizes=sizes)

    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line), build)), flush=True)


def _run(request: Mapping[str, Any], build: Callable[..., Any]) -> dict[str, Any]:
    started = time.monotonic()
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _child(request, build, writing)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], request["kill_after"])
    if not ready:
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    seconds = time.monotonic() - started
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    empty = {"operations": 0, "outcome": None, "error": None}
    report = json.loads(text) if text else empty
    return {"killed": killed, "seconds": seconds, **report}


def _child(request: Mapping[str, Any], build: Callable[..., Any], writing: int) -> None:
    operations = _Operations(request["kill_at"])
    report: dict[str, Any] = {"outcome": None, "error": None}
    try:
        if request["count"] or request["kill_at"] is not None:
            operations.watch()
        outcome = build(spec=request["spec"], out=request["out"])
        report["outcome"] = {
            "up_to_date": outcome.up_to_date,
            "reused_rows": outcome.reused_rows,
            "rows_in": outcome.manifest["rows_in"],
        }
    except BaseException as error:  # whatever it is, the test wants to see it
        report["error"] = f"{type(error).__name__}: {error}"
    os.write(writing, json.dumps(report | {"operations": operations.done}).encode())
    os._exit(0)


class _Operations:
    """Counts what changes files, and kills this process right before the n-th change.

    A write is two: at the first, half of the bytes get to the file.
    """

    def __init__(self, kill_at: int | None) -> None:
        self.kill_at = kill_at
        self.done = 0

    def tick(self) -> None:
        self.done += 1
        if self.done == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        import fcntl

        import pyarrow as pa

        for name in ("fsync", "link", "mkdir", "rename", "replace", "unlink", "remove", "rmdir"):
            self._count_calls(os, name)
        self._count_calls(fcntl, "flock")
        python_open, arrow_open = io.open, pa.OSFile

        def counted_open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            # A file with an opener has no name: it is gone with its process.
            if not set(mode) & set("wax+") or "opener" in kwargs:
                return python_open(file, mode, *args, **kwargs)
            self.tick()
            buffered = io.BufferedWriter(_counting_file(self, file, mode))
            if "b" in mode:
                return buffered
            return io.TextIOWrapper(buffered, encoding="utf-8", newline="\n")

        def counted_os_file(path: str, mode: str = "r") -> Any:
            return counted_open(path, mode) if "w" in mode else arrow_open(path, mode)

        io.open = counted_open
        pa.OSFile = counted_os_file

    def _count_calls(self, module: Any, name: str) -> None:
        call = getattr(module, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.tick()
            return call(*args, **kwargs)

        setattr(module, name, counted)


def _counting_file(operations: _Operations, file: Any, mode: str) -> io.FileIO:
    class Counting(io.FileIO):
        def write(self, data: Any) -> int:
            whole = memoryview(data).cast("B")
            operations.tick()
            half = super().write(whole[: len(whole) // 2])
            operations.tick()
            return half + super().write(whole[half:])

    return Counting(os.fspath(file), mode.replace("b", "").replace("t", ""))


if __name__ == "__main__":
    _serve()
