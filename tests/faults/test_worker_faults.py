"""Workers that die, hang or run out of memory: their block is made again, or named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.kills import make_rows, manifest_of, write_rows, write_spec
from support.loads import Load, Tally
from support.places import ROOT

from sftdata import build

POISONED_BUILD = ROOT / "tests/support/poisoned_build.py"
MARKS = 5  # in each build, in different blocks
LIMIT = 15.0  # seconds for a job, with the start of its worker
FAULTS = ("killed", "killed in its answer", "segmentation fault", "out of memory", "hangs")


@pytest.fixture
def spec(tmp_path: Path, load: Load) -> Path:
    rows = make_rows(1500, 1, words=40)
    for mark in range(1 if load.is_quick else MARKS):
        rows[150 + 300 * mark]["article"] += f" POISON{mark}"
    data = write_rows(tmp_path / "rows.jsonl", rows)
    return write_spec(tmp_path / "spec.toml", data, tokenizer="tokenizers/small")


@pytest.mark.parametrize("fault", FAULTS)
def test_the_block_of_a_worker_with_a_fault_is_made_again_or_named(
    fault: str, spec: Path, tmp_path: Path, load: Load, tally: Tally
) -> None:
    if load.is_quick and fault in ("killed", "hangs"):
        pytest.skip("test_workers.py tries some; run_faults.py tries all")
    rng = load.random(fault)
    build(spec=spec, out="undisturbed")
    undisturbed = manifest_of(tmp_path / "undisturbed")
    for number in range(load.count(10, 1)):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        more = rng.randrange(4 << 20)
        problem = run_until_done(fault, spec, folder, more)
        if problem is None and manifest_of(folder / "out") != undisturbed:
            problem = "not the undisturbed dataset"
        for _ in list(folder.glob("died-*")):
            tally.add("a worker", fault, problem)
    tally.check()


def run_until_done(fault: str, spec: Path, folder: Path, more: int) -> str | None:
    """The same command until it succeeds; each mark strikes once. The problem, or None."""
    env = {"WORKER_FAULT": fault, "FAULT_FOLDER": str(folder), "WORKER_READS": str(64 << 10)}
    env |= {"WORKER_BYTES": str(more)}
    if fault == "hangs":
        env["WORKER_SECONDS"] = str(LIMIT)
    before = 0
    for _ in range(1 + MARKS):
        started = time.monotonic()
        code, stderr = run(spec, folder / "out", env)
        died = len(list(folder.glob("died-*")))
        allowed = 60 + (LIMIT + 2) * (died - before)
        if time.monotonic() - started > allowed:
            return f"more than {allowed} seconds for {died - before} faults"
        if code == 0:
            return None
        is_named = fault == "out of memory" and "memory" in stderr and " rows " in stderr
        if code != 1 or "Traceback" in stderr or not is_named or died == before:
            return f"exit code {code}: {stderr[-3000:]}"
        before = died
    return f"it never ends: {stderr}"


def run(spec: Path, out: Path, env: dict[str, Any]) -> tuple[int, str]:
    line = [sys.executable, POISONED_BUILD, "build", "--spec", spec, "--out", out, "--workers", "2"]
    process = subprocess.Popen(
        line,
        env=os.environ | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, stderr = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        _, stderr = process.communicate()
    return process.returncode, stderr
