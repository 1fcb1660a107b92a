"""Commands run one after another in one other process, so that a crash is a result like any other.

Run as a script, this file is that process: it has imported everything, so a command takes
milliseconds, and a signal ends it and not the tests.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.places import ROOT

# An error on stderr: of a person's command, or with --json an object.
_ERROR = re.compile(r"^(?:Error E\d+: |{\"error\": {\"code\": \"E\d+\")", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int  # negative: the signal that ended the process
    out: str
    err: str

    @property
    def is_one_message(self) -> bool:
        """Whether it failed as it should: one message, no traceback, and no signal."""
        return self.code in (1, 3) and len(_ERROR.findall(self.err)) == 1 and not self.is_crash

    @property
    def is_crash(self) -> bool:
        return self.code < 0 or "Traceback" in self.err


class CommandServer:
    """Runs commands in another process, in the working directory of this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, *arguments: str | Path) -> Done:
        """Runs `sftdata` with these arguments, or `load DIR`, which reads every row."""
        if self._process is None:
            paths = [str(ROOT), str(ROOT / "train"), str(ROOT / "tests")]
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = [str(Path.cwd()), *map(str, arguments)]
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            code, self._process = self._process.wait(), None
            return Done(code, "", "")
        return Done(*json.loads(answer))

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()


@contextlib.contextmanager
def command_server() -> Iterator[CommandServer]:
    """A `CommandServer`, closed at the end."""
    server = CommandServer()
    try:
        yield server
    finally:
        server.close()


# From here on: the process that runs the commands.


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        folder, *arguments = json.loads(line)
        os.chdir(folder)
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _run(arguments)
        answers.write(json.dumps([code, _text_of(out), _text_of(err)]) + "\n")
        answers.flush()


def _text_of(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _run(arguments: list[str]) -> int:
    from sftdata.cli import main
    from sftdata.errors import SftdataError

    try:
        if arguments[0] == "load":
            _load(Path(arguments[1]))
        else:
            sys.argv = ["sftdata", *arguments]
            main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except SftdataError as error:
        print(f"Error {error.code}: {error}", file=sys.stderr)
        return error.exit_code
    except BaseException:  # whatever it is, the test wants to see it
        traceback.print_exc()
        return 1
    finally:
        gc.unfreeze()
    return 0


def _load(dataset: Path) -> None:
    """Reads every row in each way, and prints what it reads."""
    from sftdata.loading.dataset import load

    for name, split in load(dataset).items():
        batch = split.to_batch()
        print(name, split.lengths.tolist(), split.target_counts.tolist(), batch.labels.tolist())
        for row in split:
            print(row.row_id, row.template, row.task, row.labels.tolist(), row.target_start)


if __name__ == "__main__":
    _serve()
