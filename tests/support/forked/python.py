"""Python that has imported everything already: `run` and `start` take some milliseconds.

What a process imports, when, and the environment it reads at its start (PYTHON…, OMP_…) are
those of the server: tests of these start a real process.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import IO

from support.forked import server, starter
from support.places import ROOT

SECONDS = 600  # for one process: a hang, not a busy machine

# What the commands import on their way, beside the commands themselves.
DATA_MODULES = (
    "datasets", "gigatoken", "openpyxl", "pandas", "py3langid", "pyarrow.dataset",
    "pyarrow.parquet", "rensa", "sftdata.building.mixture.mix", "sftdata.building.run",
    "sftdata.exporting.formats", "sftdata.inspecting.doctor", "sftdata.inspecting.pages.report",
    "sftdata.versioning.release",
)  # fmt: skip
TRAIN_MODULES = (
    "transformers.models.llama.modeling_llama", "peft",
    "sftdata_train.evaluating.evaluation", "sftdata_train.training.train",
)  # fmt: skip


@dataclass
class Process:
    """A process of the server, as `subprocess.Popen` shows one with piped output."""

    _connection: socket
    _answers: IO[str]
    _streams: list[IO[bytes]]
    pid: int
    returncode: int | None = field(default=None)

    def wait(self) -> int:
        """The exit code, or the negative signal."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], SECONDS)[0]:
                self.kill()
                raise TimeoutError(f"process {self.pid} has not ended after {SECONDS} s")
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._connection.close()
        return self.returncode

    def poll(self) -> int | None:
        """The exit code, or None as long as it runs."""
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            return self.wait()
        return self.returncode

    def kill(self) -> None:
        """Kills it, if it has not ended."""
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self) -> tuple[str, str]:
        """Its stdout and stderr, at its end."""
        self.wait()
        texts = []
        for stream in self._streams:
            stream.seek(0)
            texts.append(stream.read().decode())
            stream.close()
        return texts[0], texts[1]


class ForkingPython:
    """Starts processes as forks of one that has imported `modules` under `environment`."""

    def __init__(
        self, modules: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()  # the path of a socket must be short
        self.socket = Path(self._folder.name, "socket")
        paths = os.pathsep.join((str(ROOT), str(ROOT / "train")))
        self._environment = dict(environment or os.environ | {"PYTHONPATH": paths})
        self._server = subprocess.Popen(
            [sys.executable, server.__file__, str(self.socket), *modules],
            env=self._environment | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def start(
        self, *arguments: object, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> Process:
        """Starts `sftdata …`, or Python with `-m …`, `-c …` or a file."""
        streams: list[IO[bytes]] = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115
        streams[0].write(stdin)
        streams[0].seek(0)
        files = [stream.fileno() for stream in streams]
        words = [str(argument) for argument in arguments]
        environment = os.environ | {"PYTHONPATH": self._environment["PYTHONPATH"]} | dict(env or {})
        self.wait_until_ready()
        connection = starter.ask(str(self.socket), words, files, environment)
        streams.pop(0).close()
        answers = connection.makefile()
        return Process(connection, answers, streams, int(answers.readline()))

    def run(
        self, *arguments: object, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs it to its end, like `subprocess.run`."""
        process = self.start(*arguments, stdin=stdin, env=env)
        out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.wait(), out, err)

    @property
    def words(self) -> tuple[str, ...]:
        """The start of a command line whose other words are the arguments of `start`."""
        self.wait_until_ready()
        return (sys.executable, "-IS", str(starter.__file__), str(self.socket))

    def write_command(self, path: Path) -> None:
        """Writes the executable `sftdata` that runs in a forked process."""
        path.write_text(f'#!/bin/sh\nexec {shlex.join(self.words)} sftdata "$@"\n')
        path.chmod(0o755)

    def wait_until_ready(self) -> None:
        """Waits for the end of the imports, the first time."""
        assert self._server.stdout is not None
        if not self._server.stdout.closed:
            assert self._server.stdout.readline() == b"ready\n"
            self._server.stdout.close()

    def close(self) -> None:
        """Ends the server and all its processes."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()
        if self._server.stdout is not None:
            self._server.stdout.close()
        self._folder.cleanup()


@contextmanager
def forking_python(
    modules: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[ForkingPython]:
    """A `ForkingPython`, closed at the end."""
    python = ForkingPython(modules, environment)
    try:
        yield python
    finally:
        python.close()
