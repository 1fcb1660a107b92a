"""Exchange messages with another process of this machine, with few copies of their data.

Arrays and record batches cross in a file without a name, which the other side maps. When the
processes end, however they end, the file is gone.
"""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.reduction import recv_handle, send_handle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_ALIGNMENT = 64  # of each buffer; Arrow recommends it
_SMALL_BYTES = 64 * 1024  # fewer go through the pipe: a file costs several system calls


@dataclass(frozen=True, slots=True)
class Packed:
    """A message that is ready to be sent, once."""

    content: bytes  # pickled; without the data of its buffers if there is a file
    sizes: list[int]  # of the buffers
    file: int | None  # holds the buffers; a file descriptor


def pack(message: Any) -> Packed:
    """Packs a message. Raises `OSError` or `MemoryError` where its data finds no room."""
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    if sum(view.nbytes for view in views) < _SMALL_BYTES:
        return Packed(pickle.dumps(message, protocol=5), [], None)
    file = _nameless_file()
    try:
        for view, start in zip(views, _starts([view.nbytes for view in views]), strict=False):
            done = 0
            while done < view.nbytes:
                done += os.pwrite(file, view[done:], start + done)
    except BaseException:
        os.close(file)
        raise
    return Packed(content, [view.nbytes for view in views], file)


def send(pipe: Connection, packed: Packed) -> None:
    """Sends a message. Raises `OSError` if the other process is gone."""
    try:
        pipe.send((packed.content, packed.sizes))
        if packed.file is not None:
            send_handle(pipe, packed.file, None)
    finally:
        if packed.file is not None:
            os.close(packed.file)


def receive(pipe: Connection) -> Any:
    """The next message; waits for it. What it holds in a file cannot be written to.

    Raises `OSError` or `EOFError` if the other process is gone.
    """
    content, sizes = pipe.recv()
    if not sizes:
        return pickle.loads(content)
    *starts, end = _starts(sizes)
    file = recv_handle(pipe)
    try:
        view = memoryview(mmap.mmap(file, end, prot=mmap.PROT_READ))
    finally:
        os.close(file)
    buffers = [view[start : start + size] for start, size in zip(starts, sizes, strict=True)]
    return pickle.loads(content, buffers=buffers)


def _starts(sizes: Sequence[int]) -> list[int]:
    """Where each buffer starts in the file, and where the last one ends."""
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + -(-size // _ALIGNMENT) * _ALIGNMENT)
    starts[-1] = starts[-2] + sizes[-1]
    return starts


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("sftdata")
    with tempfile.TemporaryFile() as file:  # macOS
        return os.dup(file.fileno())
