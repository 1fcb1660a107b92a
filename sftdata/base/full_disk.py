"""Errors of a full disk or quota that say how much room is missing."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)


class FullDiskError(OSError):
    """No room for a write. `bytes_needed` on the disk to go on; `is_estimate`: about so many."""

    bytes_needed = 0
    is_estimate = False


@contextmanager
def needing(count: Callable[[], int], *, is_estimate: bool = False) -> Iterator[None]:
    """Makes a `FullDiskError` of an error of a full disk; `count` gives the bytes needed."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL or isinstance(error, FullDiskError):
            raise
        full = FullDiskError(error.errno, error.strerror, error.filename)
        full.bytes_needed, full.is_estimate = count(), is_estimate
        raise full from error


def with_place(error: OSError, place: str | Path) -> OSError:
    """The same error about the file or folder `place`."""
    kind = FullDiskError if isinstance(error, FullDiskError) else OSError
    placed = kind(error.errno, error.strerror or str(error), str(place))
    if isinstance(error, FullDiskError) and isinstance(placed, FullDiskError):
        placed.bytes_needed, placed.is_estimate = error.bytes_needed, error.is_estimate
    return placed
