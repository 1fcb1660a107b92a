"""The process that forks. It has imported everything and started nothing.

Run with the path of its socket and the modules to import. Each connection brings a request and
the descriptors of a new process; it gets that process's id, and how it ended. When the other
side closes a connection, its process is killed; at the end of stdin all are.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Any

LENGTH = struct.Struct("!Q")  # of the request, before it
MOST_FILES = 5


@dataclass(frozen=True, slots=True)
class Request:
    """What to run, and the descriptors 0, 1, 2, … it gets."""

    arguments: list[str]  # `sftdata …` or those of Python: `-m MODULE …`, `-c CODE …`, `FILE …`
    folder: str
    environment: dict[str, str]
    files: list[int]


def receive(connection: socket.socket) -> Request:
    """The request that a connection brings."""
    head, files, _, _ = socket.recv_fds(connection, LENGTH.size, MOST_FILES)
    (left,) = LENGTH.unpack(head)
    body = b""
    while left > len(body):
        body += connection.recv(left - len(body))
    return Request(**json.loads(body), files=files)


class Server:
    """Forks a process for each connection, until stdin ends."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(64)
        self._connections: dict[int, socket.socket] = {}  # by id of the process
        self._handles: dict[int, int] = {}  # id of the process by its descriptor

    def next_request(self) -> Request | None:
        """Returns in each new process with its request; in this one with None at the end."""
        while True:
            waits = [0, self._listener, *self._connections.values(), *self._handles]
            ready = select.select(waits, [], [])[0]
            if 0 in ready:
                for pid in [*self._connections]:
                    self._kill(pid)
                return None
            for handle in [handle for handle in self._handles if handle in ready]:
                self._report_end(handle)
            for pid, connection in [*self._connections.items()]:
                if connection in ready:  # nothing more is sent: it is closed
                    self._kill(pid)
            if self._listener in ready:
                connection = self._listener.accept()[0]
                request = receive(connection)
                pid = os.fork()
                if not pid:
                    connection.close()
                    self._close()
                    return request
                for file in request.files:
                    os.close(file)
                self._connections[pid] = connection
                self._handles[os.pidfd_open(pid)] = pid
                self._send(connection, pid)

    def _report_end(self, handle: int) -> None:
        pid = self._handles.pop(handle)
        os.close(handle)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if (connection := self._connections.pop(pid, None)) is not None:
            self._send(connection, status)
            connection.close()

    def _kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        self._connections.pop(pid).close()

    def _send(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):  # the other side may be gone
            connection.sendall(f"{number}\n".encode())

    def _close(self) -> None:
        """In a new process: it holds nothing of the others."""
        self._listener.close()
        for connection in self._connections.values():
            connection.close()
        for handle in self._handles:
            os.close(handle)


def become(request: Request) -> None:
    """Makes this process as if it had just been started."""
    os.setsid()
    for number, file in enumerate(request.files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    buffering = 0 if request.environment.get("PYTHONUNBUFFERED") else -1
    for name, number in (("stdout", 1), ("stderr", 2)):
        file = open(number, "wb", buffering, closefd=False)  # noqa: SIM115
        errors = "backslashreplace" if name == "stderr" else "strict"
        stream = io.TextIOWrapper(
            file, "utf-8", errors, line_buffering=number == 2, write_through=not buffering
        )
        setattr(sys, name, stream)
    tempfile.tempdir = None  # it may have been asked for at an import
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(arguments: list[str]) -> None:
    """Runs what is asked for, as Python or the script `sftdata` would."""
    import runpy

    first, *others = arguments
    if first == "sftdata":
        from sftdata.cli import main

        sys.argv = arguments
        main()
    elif first == "-m":
        sys.argv = others
        sys.path.insert(0, "")
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *others[1:]]
        exec(compile(others[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(first))  # noqa: PTH120
        runpy.run_path(first, run_name="__main__")


def end(arguments: list[str]) -> int:
    """Runs, and does what Python does at the end; the exit code."""
    import atexit
    import threading

    code: Any = 0
    try:
        run(arguments)
    except SystemExit as asked:
        code = asked.code
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code or 0


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file
    path, *modules = sys.argv[1:]
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # else each process would copy what it collects
    server = Server(path)
    print("ready", flush=True)
    if (request := server.next_request()) is not None:
        become(request)
        os._exit(end(request.arguments) & 0xFF)
