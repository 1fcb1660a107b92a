"""Memory of a command: kept when it is freed, for the next piece of data needs as much again."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os

# Of mallopt(3). Larger pieces than the first are mapped one by one and never kept (it may be 32 MB
# at most). The second is how much free memory the heap may hold at its end. The third is how many
# heaps the threads share: what each keeps, the others cannot have.
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD, _M_ARENA_MAX = -3, -1, -8


def keep_memory() -> None:
    """Has C's allocator keep what is freed and Arrow use it, and cycles be looked for less often.

    Otherwise a build gives its buffers back after each piece and asks for them again at the next,
    which is a tenth of its time where memory is slow to come by, as in virtual machines; and it
    looks through hundreds of thousands of objects for cycles that are not there. To be called
    before Arrow is loaded. Where the C library has no such switch, nothing is changed.
    """
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, 32 * 1024 * 1024)
        library.mallopt(_M_TRIM_THRESHOLD, 1024 * 1024 * 1024)
        library.mallopt(_M_ARENA_MAX, 1)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # A thread for each core would be started with NumPy, and nothing here multiplies matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(200_000, 50, 50)
