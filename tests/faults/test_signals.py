"""Signals, pipes that are closed and narrow terminals: the right exit code, and no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.fault_scenarios import SCENARIOS
from support.fault_stage import MakeStage
from support.faults import COMPILER
from support.loads import Load, Tally

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
SENT_TO = ("first build", "rebuild", "first mixture", "pack", "export trl", "report",
           "second release", "init", "train", "merge", "eval")  # fmt: skip
PRINT = (
    "build --spec spec.toml --out out --json", "stats out", "inspect out",
    "inspect out --view tokens", "ledger out", "doctor out --fail-on never", "diff out out",
    "verify out", "status", "template list", "template show summarize/article", "cache info",
    "env", "sources", "schema spec", "pack out --max-length 900", "gc out", "--help",
    "build --help",
)  # fmt: skip
SPEC = """
task = "news"
data = ["rows.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"
[fields]
id = "id"
article = "article"
summary = "summary"
"""


@needs_compiler
def test_a_signal_at_any_time_ends_a_command_that_the_same_one_resumes(
    make_stage: MakeStage, tmp_path: Path, load: Load, tally: Tally
) -> None:
    """SIGINT: exit code 130 and one line. SIGTERM ends the process, as a kill does."""
    chosen = [s for s in SCENARIOS if s.name in (SENT_TO[1:2] if load.is_quick else SENT_TO)]
    for scenario in chosen:
        stage = make_stage(scenario, tmp_path / "stage")
        rng = load.random(scenario.name)
        for number in SIGNALS:
            sent, wanted = 0, load.count(13, 1)
            for _ in range(5 * wanted):
                in_time, problem = stage.try_signal(number, rng.uniform(0, stage.seconds))
                if in_time or problem:  # or it was done before
                    sent += 1
                    tally.add(scenario.name, number.name, problem)
                if sent == wanted:
                    break
    tally.check()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a dataset, so that each command has something to print."""
    from support.forty_rows import rows

    folder = tmp_path_factory.mktemp("project")
    lines = [f'{{"id": "{r["id"]}", "article": "{r["article"]}", "summary": "{r["summary"]}"}}\n'
             for r in rows(40)]  # fmt: skip
    (folder / "rows.jsonl").write_text("".join(lines))
    (folder / "spec.toml").write_text(SPEC)
    line = [sys.executable, "-m", "sftdata", "build", "--spec", "spec.toml", "--out", "out"]
    subprocess.run(line, cwd=folder, check=True, capture_output=True)
    return folder


def run(command: str, project: Path, stdout: int | None, columns: int = 80) -> tuple[int, str]:
    """Exit code and stderr; `stdout` None: closed."""
    close = (lambda: os.close(1)) if stdout is None else None
    done = subprocess.run(
        [sys.executable, "-m", "sftdata", *command.split()],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=close,
        env=os.environ | {"COLUMNS": str(columns)},
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


def closed_pipe() -> int:
    """The end to write of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_a_closed_or_broken_stdout_and_a_narrow_terminal_are_no_traceback(
    project: Path, load: Load, tally: Tally
) -> None:
    for command in load.choose(PRINT, 2, "print"):
        first = command.split(" --")[0]
        for surroundings in ("broken pipe", "closed stdout", "40 columns"):
            pipe = closed_pipe() if surroundings == "broken pipe" else subprocess.DEVNULL
            stdout = None if surroundings == "closed stdout" else pipe
            code, stderr = run(command, project, stdout, 40 if "40" in surroundings else 80)
            if surroundings == "broken pipe":
                os.close(pipe)
            allowed = (0, 1, -signal.SIGPIPE) if surroundings == "broken pipe" else (0,)
            is_clean = "Traceback" not in stderr and "Exception ignored" not in stderr
            is_right = code in allowed and is_clean
            tally.add(first, surroundings, None if is_right else f"exit code {code}: {stderr}")
    tally.check()
