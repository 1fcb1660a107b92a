"""Ctrl-C while an object is freed ends the command, as at any other time."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import signal, time
from sftdata.cli.interrupts import keep_interrupts

class Freed:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

keep_interrupts()
try:
    Freed()
    time.sleep(10)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_that_python_would_drop_comes_again() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 0)
