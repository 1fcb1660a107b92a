"""A fork of the process that has imported everything behaves as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.forked.python import ForkingPython, forking_python


@pytest.fixture(scope="module")
def python() -> Iterator[ForkingPython]:
    with forking_python(["sftdata.cli"]) as started:
        yield started


def test_it_has_the_streams_folder_and_environment_of_its_caller(python: ForkingPython) -> None:
    script = (
        "import os, sys; print(sys.stdin.read(), os.getcwd(), os.environ['X'], sys.argv[1:]); "
        "print('bad', file=sys.stderr)"
    )
    done = python.run("-c", script, "a b", stdin="ü".encode(), env={"X": "1"})
    assert (done.returncode, done.stderr) == (0, "bad\n")
    assert done.stdout == f"ü {Path.cwd()} 1 ['a b']\n"


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit('no')", 1, "no"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL, ""),
        ("import atexit, os; atexit.register(os.write, 2, b'end')", 0, "end"),
    ],
)
def test_it_ends_as_a_process_of_its_own_does(
    script: str, code: int, said: str, python: ForkingPython
) -> None:
    done = python.run("-c", script)
    real = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == real.returncode == code
    assert said in done.stderr
    assert said in real.stderr


def test_the_command_is_the_installed_one(python: ForkingPython) -> None:
    python.write_command(Path("sftdata"))
    words = ["build", "--no-such", "x"]
    forked = subprocess.run(["./sftdata", *words], capture_output=True, text=True)
    script = Path(sys.executable).with_name("sftdata")
    code = "import sys; from sftdata.cli import main; sys.argv[0] = 'sftdata'; main()"
    line = [str(script)] if script.exists() else [sys.executable, "-c", code]
    real = subprocess.run([*line, *words], capture_output=True, text=True)
    assert (forked.returncode, forked.stderr) == (real.returncode, real.stderr)
    assert forked.returncode == 2


def test_a_caller_that_is_gone_takes_its_process_along(python: ForkingPython) -> None:
    process = python.start("-c", "import time; time.sleep(600)")
    script = "print(1, flush=True); import time; time.sleep(600)"
    caller = subprocess.Popen([*python.words, "-c", script], stdout=subprocess.PIPE)
    assert caller.stdout is not None
    assert caller.stdout.readline() == b"1\n"
    caller.kill()
    caller.wait()
    assert caller.stdout.read() == b""  # the end: no process has it open
    caller.stdout.close()
    os.kill(process.pid, 0)  # of another caller
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.communicate()
