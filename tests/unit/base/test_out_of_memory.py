"""Errors of a machine without memory, of Python and of native code."""

from __future__ import annotations

import errno
import os

import pyarrow as pa
import pytest

from sftdata.base.out_of_memory import is_out_of_memory

THREAD = "Unknown error: Failed to launch worker thread: Resource temporarily unavailable"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        pa.ArrowMemoryError("malloc of size 128 failed"),
        pa.ArrowException(THREAD),
        RuntimeError("can't start new thread"),
        ImportError("/x/lib.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
    ],
)
def test_the_memory_does_not_suffice(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error", [ValueError("no memory of it"), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))]
)
def test_other_errors_are_not_of_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)
