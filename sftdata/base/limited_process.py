"""Run a function in a process with limits, for files that come from strangers.

A library of C or Rust that is given a hostile file may end its process, fill the memory or never
come back. That must not happen to the process of the user.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from sftdata.errors import SftdataError

_PROGRAM = "from sftdata.base.limited_process import serve; serve({!r}, {}, {})"
_ROOT = str(Path(__file__).resolve().parents[2])
_WAIT = 6  # seconds of the clock for one of the processor: the machine may be busy
_START = 60.0  # seconds of the clock for the start of the process
_ANSWER, _FAULT = b"+", b"-"
_NO_MEMORY = 88  # exit code of the child
# Threads would each take address space, and processor time that counts for all of them.
_FEW_THREADS = {"RAYON_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may take."""

    seconds: int  # of the processor
    memory: int  # bytes of address space

    def __str__(self) -> str:
        return f"{self.seconds:,} s and {self.memory // 2**20:,} MiB"


class LimitError(Exception):
    """The process reached a limit, or ended without an answer; the text says which."""


def run_limited(function: str, data: bytes, limits: Limits) -> bytes:
    """What `function` ("module:name") of this package gives for `data`, in a process of its own.

    Raises `LimitError`, and the `SftdataError` that the function raises. Only POSIX has limits of
    memory and processor time; elsewhere the time of the clock alone is limited.
    """
    # A program from the command line finds modules in the working directory, where strangers'
    # files lie; `-P` keeps that out.
    inherited = os.environ.get("PYTHONPATH") if not sys.flags.ignore_environment else None
    path = os.pathsep.join(filter(None, (_ROOT, inherited)))
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM.format(function, limits.seconds, limits.memory)],
            input=data,
            capture_output=True,
            env=os.environ | _FEW_THREADS | {"PYTHONPATH": path},
            timeout=_START + _WAIT * limits.seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise LimitError("it takes too long") from error
    answer = done.stdout
    if done.returncode == 0 and answer[:1] == _ANSWER:
        return answer[1:]
    if done.returncode == 0 and answer[:1] == _FAULT:
        fault = orjson.loads(answer[1:])
        raise SftdataError(fault["text"], code=fault["code"])
    raise LimitError(_describe_end(done.returncode, done.stderr))


def _describe_end(code: int, errors: bytes) -> str:
    import signal

    if code == -signal.SIGXCPU:
        return "it takes too long"
    if code == -signal.SIGKILL:
        return "it was killed, perhaps because the machine has no memory left"
    if code == _NO_MEMORY or b"memory allocation" in errors or b"bad_alloc" in errors:
        return "it takes too much memory"
    if code < 0:
        return f"it ends the process with signal {-code}"
    if code == 0:
        return "it ends the process without an answer"
    last = errors.decode(errors="replace").strip().splitlines()[-1:]
    return f"it fails: {' '.join(last)[:200]}"


def serve(function: str, seconds: int, memory: int) -> None:
    """Reads the data from standard input and prints the answer: the child."""
    _set_limits({"CPU": seconds, "AS": memory, "CORE": 0})
    module, _, name = function.partition(":")
    try:
        data = sys.stdin.buffer.read()
        answer = _ANSWER + getattr(importlib.import_module(module), name)(data)
    except SftdataError as error:
        answer = _FAULT + orjson.dumps({"text": str(error), "code": error.code})
    except MemoryError:
        os._exit(_NO_MEMORY)
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    os._exit(0)  # a thread of a library may still be at work


def _set_limits(limits: Mapping[str, int]) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for name, limit in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(kind)
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        # At the lower limit of time comes SIGXCPU, which tells it from other ends; then SIGKILL.
        most = least + 1 if name == "CPU" and least != hard else least
        resource.setrlimit(kind, (least, most))
