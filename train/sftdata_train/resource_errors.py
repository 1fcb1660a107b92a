"""Errors of a machine at its limits, as one message: out of memory, a full disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sftdata.errors import SftdataError

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
# PyTorch's words for a write that failed, where it doesn't say why.
_DISK = ("inline_container", "iostream error")
_REFUSALS = (
    errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.EROFS,
    errno.EACCES,
)  # fmt: skip


@contextmanager
def explain_resource_errors(activity: str) -> Iterator[None]:
    """Raise `SftdataError` or `OSError` for PyTorch's and safetensors' errors of memory and disk.

    `activity` goes into the message, such as "training".
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(activity, error) from error
    except OSError:
        raise  # it names its file, and the command line explains it
    except Exception as error:  # RuntimeError or safetensors' own: only the text tells the cause
        refusal = find_refusal(error)
        if refusal is not None:
            assert refusal.errno is not None
            raise OSError(refusal.errno, f"{refusal.strerror} while {activity}") from error
        text = str(error).lower()
        if any(sign in text for sign in _OUT_OF_MEMORY):
            raise _out_of_memory(activity, error) from error
        if any(sign in text for sign in _DISK):
            raise SftdataError(
                f"The disk is full or failed while {activity}: {str(error).splitlines()[0]}",
                "Make room and run the same command again; it resumes from the last checkpoint.",
                code="E802",
            ) from error
        raise


def find_refusal(error: Exception) -> OSError | None:
    """The system's refusal to read or write; None for errors of another kind.

    PyTorch and safetensors raise errors of their own, with only the system's words in the text.
    """
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        return error
    number = next((n for n in _REFUSALS if os.strerror(n) in str(error)), None)
    return None if number is None else OSError(number, os.strerror(number))


def _out_of_memory(activity: str, error: Exception) -> SftdataError:
    cause = str(error).strip().partition("\n")[0]
    return SftdataError(
        f"Out of memory while {activity}: {cause}",
        "Use smaller micro-batches and more of them (--micro-batch 1 --accumulate 16), add "
        "--checkpointing, or build with a smaller --max-length. --dry-run estimates the memory.",
        code="E805",
    )
