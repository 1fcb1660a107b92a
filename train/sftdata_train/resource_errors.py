"""Failures of the machine, said in one message: out of memory, a full disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sftdata.errors import SftdataError

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
_DISK = ("no space left", "file too large", "disk quota", "i/o error", "inline_container")


@contextmanager
def explain_resource_errors(what: str) -> Iterator[None]:
    """Turns what PyTorch and safetensors raise for a machine at its limits into `SftdataError`.

    `what` says what was done, such as "training".
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _out_of_memory(what, error) from error
    except MemoryError as error:
        raise _out_of_memory(what, error) from error
    except OSError:
        raise  # names its file; the command line explains it
    except Exception as error:  # RuntimeError and safetensors' own class: their text must tell
        text = str(error).lower()
        if any(sign in text for sign in _OUT_OF_MEMORY):
            raise _out_of_memory(what, error) from error
        if any(sign in text for sign in _DISK):
            raise SftdataError(
                f"The disk took no more while {what}: {str(error).splitlines()[0]}",
                "Make room and run the same command again; it goes on from the last checkpoint.",
            ) from error
        raise


def _out_of_memory(what: str, error: Exception) -> SftdataError:
    return SftdataError(
        f"Out of memory while {what}: {str(error).strip().splitlines()[0] if str(error) else ''}",
        "Take smaller micro-batches and more of them (--micro-batch 1 --accumulate 16), add "
        "--checkpointing, or build with a smaller --max-length. --dry-run estimates the need.",
    )
