"""The errors for a damaged dataset, and for refusals of the operating system."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from sftdata.base.full_disk import FullDiskError
from sftdata.base.wording import size
from sftdata.errors import SftdataError, VerificationError

_SHOWN = 20


def damaged(dataset: Path, faults: Sequence[str]) -> VerificationError:
    """An error (exit code 3) that shows the first faults and how many more there are."""
    from sftdata.loading.packing import FOLDER as PACKS  # loads Arrow

    lines = [f"{dataset} does not agree with its manifest:", *faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        lines.append(f"… and {len(faults) - _SHOWN:,} more")
    way_out = "Build it again; intact parts are reused."
    if all(fault.startswith(f"{dataset / PACKS}{os.sep}") for fault in faults):
        way_out = f"Make the plans again: sftdata pack {dataset} --max-length N"
    return VerificationError("\n".join(lines), way_out)


def explain_os_error(error: OSError) -> SftdataError:
    """The error that a user sees when the system refuses to read or write."""
    code, way_out = {
        errno.ENOSPC: ("E802", "Make room on the disk"),
        errno.EDQUOT: ("E802", "Make room in your quota"),
        errno.EMFILE: ("E803", "Allow more open files (ulimit -n 4096)"),
        errno.ENFILE: ("E803", "Close programs that hold many files"),
    }.get(error.errno or 0, ("E801", "Check the disk and the permissions"))
    where = f"{error.filename}: " if error.filename else ""
    return SftdataError(
        f"{where}{error.strerror or error}.{_describe_room(error)}",
        f"{way_out}, and run the same command again. Earlier datasets are unchanged.",
        code=code,
    )


def _describe_room(error: OSError) -> str:
    """The bytes that are needed and those that are free, where they are known."""
    if not isinstance(error, FullDiskError) or not error.bytes_needed:
        return ""
    about = "About " if error.is_estimate else ""
    text = f" {about}{size(error.bytes_needed)} are needed to go on"
    place = Path(error.filename or ".").absolute()
    with contextlib.suppress(OSError):
        folder = next(parent for parent in (place, *place.parents) if parent.is_dir())
        text += f"; {size(shutil.disk_usage(folder).free)} are free"
    return f"{text}."


def out_of_memory() -> SftdataError:
    """The error that a user sees when there is no memory left."""
    return SftdataError(
        "The memory does not suffice.",
        "Use fewer workers, or look for a row of extreme size. Earlier datasets are unchanged.",
        code="E805",
    )
