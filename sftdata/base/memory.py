"""Memory of the C allocator: kept while a command builds, given back after a build in a program."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys

# Parameters of mallopt(3). A larger allocation than the first is mapped by itself and unmapped when
# freed; 32 MB is the most it can be. The second is how much free memory the heap keeps. The third
# is the number of heaps: threads cannot reuse what lies free in each other's.
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD, _M_ARENA_MAX = -3, -1, -8

_is_kept = False


def keep_memory() -> None:
    """Makes the C allocator keep freed memory, Arrow use it, and the garbage collector run rarely.

    By default a build gives its buffers back to the system after each group of chunks and asks for
    them again, and the collector walks hundreds of thousands of objects in search of cycles that
    builds don't make. Call this before Arrow is imported. A C library without mallopt stays as is.
    """
    global _is_kept
    _is_kept = True
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, 32 * 1024 * 1024)
        library.mallopt(_M_TRIM_THRESHOLD, 1024 * 1024 * 1024)
        library.mallopt(_M_ARENA_MAX, 1)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # NumPy would start a thread for each core, and nothing here multiplies matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(200_000, 50, 50)


def release_memory() -> None:
    """Gives freed memory back to the system, unless this process keeps it.

    glibc has a heap for each of many threads, and each would keep the room of a tokenizer's engine,
    which a thread loads. So a program that builds often would grow by hundreds of megabytes.
    """
    if _is_kept:
        return
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
