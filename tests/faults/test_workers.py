"""Workers: their number, their surroundings and their deaths never show in the shards."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support.kills import digests_of, make_rows, manifest_of, write_rows, write_spec
from support.places import ROOT

from sftdata import build
from sftdata.building.plan import Plan, make_plan
from sftdata.building.workers import Processes, allowed_seconds
from sftdata.errors import SftdataError
from sftdata.examples.maker import BlockRequest
from sftdata.reading.chunks import Chunk
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec

POISONED_BUILD = ROOT / "tests/support/poisoned_build.py"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    rows = make_rows(3000, 1, words=40)
    rows[1500]["article"] += " POISON"
    data = write_rows(tmp_path / "rows.jsonl", rows)
    return write_spec(tmp_path / "spec.toml", data, tokenizer="tokenizers/small")


@pytest.fixture
def undisturbed(spec: Path, tmp_path: Path) -> dict[str, Any]:
    build(spec=spec, out=tmp_path / "undisturbed")
    manifest = manifest_of(tmp_path / "undisturbed")
    assert manifest is not None
    return manifest


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a build; what still runs of it when the test ends is ended too."""
    started: list[subprocess.Popen[str]] = []

    def start(
        *args: str | Path, fault: str = "none", env: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, POISONED_BUILD, "build", *args],
            env=os.environ | {"WORKER_FAULT": fault, "FAULT_FOLDER": str(tmp_path)} | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def children(pid: int) -> list[int]:
    """Processes below `pid`, at any depth."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found += [int(entry.parent.name), *children(int(entry.parent.name))]
    return found


def workers_of(pid: int) -> list[int]:
    """The children of a build that are workers, and not the tracker of their semaphores."""
    found = []
    for child in children(pid):
        try:
            line = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"spawn_main" in line:
            found.append(child)
    return found


def wait_until(holds: Callable[[], object], seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_the_number_of_workers_does_not_show(
    workers: int, spec: Path, tmp_path: Path, undisturbed: dict[str, Any], start: Any
) -> None:
    process = start("--spec", spec, "--out", "out", "--workers", str(workers))
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert manifest_of(tmp_path / "out") == undisturbed


def test_place_hash_seed_time_zone_and_locale_do_not_show(
    spec: Path, tmp_path: Path, undisturbed: dict[str, Any], start: Any
) -> None:
    surroundings = [
        {"PYTHONHASHSEED": "0", "TZ": "Asia/Kathmandu", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "1", "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8"},
    ]
    processes = [
        start("--spec", spec, "--out", tmp_path / f"at {i} é" / "deep", env=env)
        for i, env in enumerate(surroundings)
    ]
    for i, process in enumerate(processes):
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
        assert manifest_of(tmp_path / f"at {i} é" / "deep") == undisturbed


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.8, 1.2])
def test_killed_workers_are_replaced(
    delay: float, spec: Path, tmp_path: Path, undisturbed: dict[str, Any], start: Any
) -> None:
    process = start("--spec", spec, "--out", "out", "--workers", "2")
    killed: set[int] = set()
    limit = time.monotonic() + 30
    while process.poll() is None:
        assert time.monotonic() < limit, f"the build hangs; killed workers: {len(killed)}"
        alive = [pid for pid in workers_of(process.pid) if pid not in killed]
        if alive and len(killed) < 2:
            time.sleep(delay)  # another moment of its life: its start, its work, its answer
            with contextlib.suppress(ProcessLookupError):
                os.kill(alive[0], signal.SIGKILL)
            killed.add(alive[0])
        time.sleep(0.02)
    _, stderr = process.communicate(timeout=5)
    assert process.returncode == 0, stderr
    assert killed
    assert manifest_of(tmp_path / "out") == undisturbed


def test_rows_that_always_kill_their_worker_are_named(
    spec: Path, tmp_path: Path, start: Any
) -> None:
    process = start("--spec", spec, "--out", "out", "--workers", "2", fault="always")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in stderr
    assert "A worker died 3 times" in stderr
    words = stderr.partition("on rows ")[2].replace(".", "").split()
    first, last = int(words[0]), int(words[2])
    assert first <= 1501 <= last
    assert last - first < 1500
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_no_worker_outlives_a_killed_build(spec: Path, start: Any) -> None:
    process = start("--spec", spec, "--out", "out", "--workers", "2")
    wait_until(lambda: len(workers_of(process.pid)) == 2)
    workers = children(process.pid)
    process.kill()
    process.communicate(timeout=10)
    wait_until(lambda: not any(is_running(pid) for pid in workers), seconds=10)
    assert len(workers) >= 2
    assert [pid for pid in workers if is_running(pid)] == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_build_exits_with_130_and_is_resumed(
    workers: int, spec: Path, tmp_path: Path, undisturbed: dict[str, Any], start: Any
) -> None:
    args = ("--spec", spec, "--out", "out", "--workers", str(workers))
    process = start(*args, fault="takes two seconds")  # or it might be done already
    out = tmp_path / "out"
    wait_until(lambda: list(out.glob("shards/*/journal.jsonl")))
    if workers > 1:
        wait_until(lambda: len(workers_of(process.pid)) == workers)
        time.sleep(0.3)
    below = children(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does, to the workers too
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert not (out / "manifest.json").exists()
    wait_until(lambda: not any(is_running(pid) for pid in below), seconds=10)
    again = start(*args, "--json")
    stdout, stderr = again.communicate(timeout=60)
    assert again.returncode == 0, stderr
    assert json.loads(stdout)["build"] == undisturbed["build"]
    assert manifest_of(out) == undisturbed
    assert len(list((out / "shards").iterdir())) == 1


def test_an_error_in_a_worker_is_the_error_of_the_build(
    spec: Path, undisturbed: dict[str, Any], start: Any
) -> None:
    process = start("--spec", spec, "--out", "out", "--workers", "2", fault="raises")
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "no such luck" in stderr
    assert digests_of(undisturbed)  # the same rows are fine without the fault


def test_what_cannot_be_sent_to_a_worker_is_an_error_and_no_wait_for_ever() -> None:
    workers = Processes(1, lambda: None)  # type: ignore[arg-type, return-value]
    try:
        with pytest.raises(AttributeError, match="lambda"):
            workers.submit([job()]).result(timeout=60)
    finally:
        workers.close()


def job(size: int = 9) -> BlockRequest:
    """Something to send: rows 3 to 7 of the second source."""
    return BlockRequest(Chunk(1, 3, 5, size, bytes(16), memoryview(bytes(size))), (0,))


def test_a_worker_that_hangs_is_killed_three_times_and_its_rows_are_named() -> None:
    started = time.monotonic()
    workers = Processes(1, functools.partial(time.sleep, 300), lambda size: 0.5 + size)  # type: ignore[arg-type]
    try:
        with pytest.raises(
            SftdataError, match=r"did not finish rows 3 to 7 of source 2 within 2 s"
        ):
            workers.submit([job(size=1)]).result(timeout=60)
        assert 4.5 <= time.monotonic() - started < 30
    finally:
        workers.close()


def test_a_worker_without_memory_is_an_error_that_says_so() -> None:
    workers = Processes(1, functools.partial(bytearray, 1 << 62))  # type: ignore[arg-type]
    try:
        with pytest.raises(SftdataError, match="memory does not suffice for rows 3 to 7"):
            workers.submit([job()]).result(timeout=60)
    finally:
        workers.close()


def test_a_worker_that_cannot_be_started_blames_no_row() -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    workers = Processes(1, functools.partial(time.sleep, 0))  # type: ignore[arg-type]
    try:
        with (
            patch("multiprocessing.context.SpawnProcess.start", refuse),
            pytest.raises(
                SftdataError, match=r"cannot be started: Too many open files.\nUse fewer"
            ),
        ):
            workers.submit([job()]).result(timeout=60)
    finally:
        workers.close()


def test_the_time_limit_grows_with_the_rows() -> None:
    assert allowed_seconds(0) >= 60
    assert allowed_seconds(4 * 1024 * 1024) > allowed_seconds(0) + 60


def test_of_a_plan_the_fields_alone_are_sent(spec: Path) -> None:
    loaded = load_spec(file=spec)
    assert isinstance(loaded, Spec)
    plan = make_plan(loaded)
    assert plan.build
    assert plan.templates[0].render_block("target", {"article": "a", "summary": "b"})
    assert plan.tokenizer.plain_text
    sent: Plan = pickle.loads(pickle.dumps(plan))
    for value in (plan, *plan.templates, plan.tokenizer, *plan.sources):
        assert set(vars(value)) > {field.name for field in fields(value)}
    for value in (sent, *sent.templates, sent.tokenizer, *sent.sources):
        assert set(vars(value)) == {field.name for field in fields(value)}
    assert sent.build == plan.build
