"""Tell errors of a machine without memory from others: native code has several kinds of them."""

from __future__ import annotations

import errno

_SIGNS = (
    "can't start new thread",
    "cannot allocate memory",
    "failed to map segment",  # of a library that is imported
    "failed to launch worker thread",  # its stack found no room
    "out of memory",
    "resource temporarily unavailable",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the memory, or the number of threads, did not suffice."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno in (errno.ENOMEM, errno.EAGAIN)
    # Arrow raises its own exceptions, and Python a RuntimeError for a thread.
    return any(sign in str(error).lower() for sign in _SIGNS)
