"""One bash and one Python that run the blocks of a page, as the page's reader would."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SECONDS = 300  # for one command
INTERPRETER = Path(__file__).with_name("interpreter.py")

# The shell lives as long as the page, so `cd`, variables and functions stay. A command comes on
# descriptor 3, its exit code and the working directory go to descriptor 4.
SHELL = r"""
while IFS= read -r -d '' -u 3 command; do
    eval "$command" </dev/null 3<&- 4>&-
    printf '%s\n%s\0' "$?" "$PWD" >&4
done
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The output of a command or a Python block, on stdout and stderr, and its exit code."""

    printed: tuple[str, ...]
    exit_code: int


class Child:
    """A process that runs one text after another and reports the end of each."""

    def __init__(self, argv: list[str], folder: Path, env: Mapping[str, str], log: Path) -> None:
        to_child, self._send = os.pipe()
        self._receive, from_child = os.pipe()
        self._log = log.open("w+b")
        # Descriptors 3 and 4 are the child's ends, whatever numbers they have here.
        wrapper = ["bash", "-c", f'exec "$@" 3<&{to_child} 4>&{from_child}', "bash", *argv]
        self._process = subprocess.Popen(
            wrapper, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=subprocess.STDOUT, pass_fds=(to_child, from_child), start_new_session=True,
        )  # fmt: skip
        os.close(to_child)
        os.close(from_child)

    def run(self, text: str) -> tuple[str, str]:
        """The output of `text`, and the child's report."""
        start = self._log.seek(0, os.SEEK_END)
        os.write(self._send, text.encode() + b"\0")
        report = self._read_report()
        self._log.seek(start)
        return self._log.read().decode(errors="replace"), report

    def _read_report(self) -> str:
        received = b""
        while not received.endswith(b"\0"):
            if not select.select([self._receive], [], [], SECONDS)[0]:
                self.close()
                return f"124\nno end after {SECONDS} s"
            chunk = os.read(self._receive, 4096)
            if not chunk:
                return "1\nthe process ended"
            received += chunk
        return received[:-1].decode()

    def close(self) -> None:
        """End the process and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()
        os.close(self._send)
        os.close(self._receive)


class Session:
    """Runs the commands and Python blocks of one page in `folder`."""

    def __init__(
        self, folder: Path, env: Mapping[str, str], logs: Path, python: Sequence[str]
    ) -> None:
        self.folder = folder  # moves with `cd`
        self._env = env
        self._logs = logs
        self._python_words = python
        self._shell = Child(
            ["bash", "--norc", "--noprofile", "-c", SHELL], folder, env, logs / "shell"
        )
        self._python: Child | None = None

    def run_command(self, command: str) -> Outcome:
        """Run a command line in the shell of the page."""
        printed, report = self._shell.run(command)
        code, folder = report.split("\n", 1)
        if Path(folder).is_dir():
            self.folder = Path(folder)
        return Outcome(tuple(printed.splitlines()), int(code))

    def run_python(self, code: str, page: str, line: int) -> Outcome:
        """Run a block of Python in the namespace of the page."""
        if self._python is None:
            argv = [*self._python_words, str(INTERPRETER)]
            self._python = Child(argv, self.folder, self._env, self._logs / "python")
        request = {"code": code, "page": page, "line": line, "folder": str(self.folder)}
        printed, report = self._python.run(json.dumps(request))
        return Outcome(tuple(printed.splitlines()), int(report.split("\n")[0]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.close()
        if self._python is not None:
            self._python.close()
