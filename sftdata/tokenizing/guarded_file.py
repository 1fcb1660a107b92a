"""Read a file of a tokenizer's folder: a regular one, of a sensible size, that stands in it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from sftdata.base.files import is_of_machine
from sftdata.errors import TokenizerError

_MAX_BYTES = 16 * 1024 * 1024  # of a config or a chat template; the largest known has 1.2 MB


def read_file(directory: Path, name: str, max_bytes: int = _MAX_BYTES) -> bytes | None:
    """The bytes of a file in a tokenizer's folder; None where there is none.

    Raises `TokenizerError` for a device or a pipe, a file that is too large, and a link that leads
    out of the folder; `OSError` where the machine or its disk cannot read.
    """
    path = directory / name
    try:
        _check_link(directory, path)
        # Without the flag, a pipe without a writer would be waited for.
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        if is_of_machine(error) or error.errno == errno.EIO:
            raise
        raise _unreadable(path, error.strerror or str(error)) from error
    except RuntimeError as error:
        raise _unreadable(path, "a link to itself") from error
    status = os.fstat(opened)
    if not stat.S_ISREG(status.st_mode):
        os.close(opened)
        raise _unreadable(path, "not a regular file")
    with os.fdopen(opened, "rb") as file:
        if status.st_size > max_bytes:
            raise _unreadable(path, f"larger than {max_bytes // 2**20} MiB, so it is no such file")
        return file.read(max_bytes)


def _check_link(directory: Path, path: Path) -> None:
    """A link of a stranger's folder could show a secret as a vocabulary or a chat template.

    A link to a file of the same name is a user's own, and the Hub's cache links to its blobs.
    """
    if not path.is_symlink():
        return
    target = path.resolve(strict=True)
    is_blob = target.parent.name == "blobs" and (target.parent.parent / "snapshots").is_dir()
    if not (is_blob or target.name == path.name or target.is_relative_to(directory.resolve())):
        raise TokenizerError(
            f"{path}: a link that leads out of the folder, to '{target}'.",
            f"Copy the file to its place, if it is the tokenizer's {path.name}.",
        )


def _unreadable(path: Path, reason: str) -> TokenizerError:
    return TokenizerError(
        f"{path}: cannot be read: {reason}.",
        "Copy the file again from where the tokenizer came from.",
    )
