"""Commands that die or fail at a chosen call to the file system.

A library in C that is loaded before all others counts the calls of a command to files below a
folder. So those of Arrow and the tokenizers count like Python's.

Run as a script, this file is a process that has imported everything and started nothing: each
command is a fork of it, so that a point costs a command and not the import of the libraries.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHIM = Path(__file__).with_name("fault_shim.c")
COMPILER = shutil.which("cc")

READ, CREATE, WRITE, SYNC, NAME, FOLDER, LOCK = (1 << bit for bit in range(7))
CHANGES = CREATE | WRITE | SYNC | NAME | FOLDER
COUNT, KILL, FAIL, FAIL_ON = range(4)


@dataclass(frozen=True)
class Fault:
    """An action at the n-th call of some kinds."""

    name: str
    kinds: int  # of calls
    action: int
    code: int = 0
    points: int | None = None  # how many are tried; None: all


FAULTS = (
    Fault("kill -9", CHANGES | LOCK, KILL),
    Fault("EIO once", CHANGES | READ, FAIL, errno.EIO),
    Fault("ENOSPC from there on", CREATE | WRITE | FOLDER, FAIL_ON, errno.ENOSPC),
    Fault("EDQUOT from there on", WRITE, FAIL_ON, errno.EDQUOT),
    Fault("EMFILE from there on", CREATE | READ, FAIL_ON, errno.EMFILE),
    Fault("EROFS", CREATE | NAME | FOLDER, FAIL_ON, errno.EROFS, points=1),
    Fault("EACCES", CREATE | NAME | FOLDER, FAIL_ON, errno.EACCES, points=1),
)


@dataclass(frozen=True)
class End:
    """How a command ended."""

    status: int | None  # its exit code; None: killed
    calls: int  # of the kinds that were asked for
    output: str  # stdout and stderr
    seconds: float


class Commands:
    """Runs `sftdata` commands as forks of a process that has imported everything.

    `modules` are imported besides, and `env` is added to its environment.
    """

    def __init__(
        self, scratch: Path, modules: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        library = scratch / "shim.so"
        assert COMPILER is not None
        build = [COMPILER, "-shared", "-fPIC", "-O1", "-o", str(library), str(SHIM), "-ldl"]
        subprocess.run(build, check=True)
        self._process = subprocess.Popen(
            [sys.executable, __file__, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"LD_PRELOAD": str(library)} | dict(env or {}),
        )

    def run(
        self,
        arguments: Sequence[str],
        root: Path,
        fault: Fault | None = None,
        at: int = 0,
        *,
        signal_after: tuple[int, float] | None = None,
        file_limit: int | None = None,
    ) -> End:
        """Runs a command in `root/work`, its cache in `root/cache`; counts calls below `root`.

        Its temporary files are in `root/tmp`.

        `signal_after`: a signal, and after how many seconds it is sent. `file_limit`: in bytes.
        """
        request = {
            "arguments": list(arguments),
            "root": str(root),
            "kinds": CHANGES | LOCK if fault is None else fault.kinds,
            "action": COUNT if fault is None else fault.action,
            "code": 0 if fault is None else fault.code,
            "at": at,
            "signal_after": signal_after,
            "file_limit": file_limit,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return End(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def commands(
    scratch: Path, modules: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> Iterator[Commands]:
    """`Commands`, closed at the end."""
    process = Commands(scratch, modules, env)
    try:
        yield process
    finally:
        process.close()


# From here on: the process that forks.


def _serve() -> None:
    import ctypes

    import datasets  # noqa: F401
    import gigatoken  # noqa: F401
    import pandas  # noqa: F401
    import py3langid  # noqa: F401
    import pyarrow.dataset
    import pyarrow.parquet  # noqa: F401
    import rensa  # noqa: F401

    import sftdata.building.mixture.mix
    import sftdata.building.run
    import sftdata.exporting.formats
    import sftdata.inspecting.doctor
    import sftdata.inspecting.pages.report
    import sftdata.versioning.release  # noqa: F401
    from sftdata.cli import main

    for module in sys.argv[1:]:
        importlib.import_module(module)
    # Not ignored, as in what a shell runs in the background; Python's handler is for commands.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    library = ctypes.CDLL(None)
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line), main, library)), flush=True)


def _run(request: Mapping[str, Any], main: Callable[[], None], library: Any) -> dict[str, Any]:
    started = time.monotonic()
    calls, writing = os.pipe()
    printed, printing = os.pipe()
    pid = os.fork()
    if not pid:
        _child(request, main, library, writing, printing)
    os.close(writing)
    os.close(printing)
    texts = _read(pid, [calls, printed], started, request["signal_after"])
    _, status = os.waitpid(pid, 0)
    return {
        "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "calls": int(texts[0] or 0),
        "output": texts[1].decode(errors="replace"),
        "seconds": time.monotonic() - started,
    }


def _read(
    pid: int, pipes: list[int], started: float, signal_after: tuple[int, float] | None
) -> list[bytes]:
    """All that the child writes; it is sent the signal meanwhile."""
    texts = dict.fromkeys(pipes, b"")
    is_open = set(pipes)
    while is_open:
        left = None
        if signal_after is not None:
            left = max(0.0, started + signal_after[1] - time.monotonic())
        ready, _, _ = select.select(is_open, [], [], left)
        if not ready and signal_after is not None:
            os.kill(pid, signal_after[0])
            signal_after = None
        for pipe in ready:
            data = os.read(pipe, 1 << 16)
            texts[pipe] += data
            if not data:
                is_open.remove(pipe)
                os.close(pipe)
    return list(texts.values())


def _child(
    request: Mapping[str, Any],
    main: Callable[[], None],
    library: Any,
    writing: int,
    printing: int,
) -> None:
    status = 1
    try:
        os.dup2(printing, 1)
        os.dup2(printing, 2)
        os.close(printing)
        # The streams that were made for a file would try to seek in the pipe.
        sys.stdout, sys.stderr = (os.fdopen(fd, "w", 1, closefd=False) for fd in (1, 2))
        os.chdir(Path(request["root"], "work"))
        os.environ["XDG_CACHE_HOME"] = str(Path(request["root"], "cache"))
        os.environ["TMPDIR"] = tempfile.tempdir = str(Path(request["root"], "tmp"))
        if request["file_limit"] is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_limit"],) * 2)
        sys.argv = ["sftdata", *request["arguments"]]
        library.shim_arm(
            os.fsencode(request["root"]),
            request["kinds"],
            request["at"],
            request["action"],
            request["code"],
        )
        signal.signal(signal.SIGINT, signal.default_int_handler)
        main()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException as error:  # as Python would end
        import traceback

        traceback.print_exception(error)
    done = library.shim_done()
    sys.stdout.flush()
    sys.stderr.flush()
    library.shim_arm(b"/nowhere", 0, 0, 0, 0)
    os.write(writing, str(done).encode())
    os._exit(status)


if __name__ == "__main__":
    _serve()
