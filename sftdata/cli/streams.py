"""Closed streams, characters that the terminal cannot show, names that the locale cannot read."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Sequence

from sftdata.errors import SftdataError

# Bytes of a name that are not in the encoding of the file system.
_FOREIGN_BYTES = re.compile("[\udc80-\udcff]")


def fill_closed_streams() -> None:
    """Opens the null device for each standard stream that is closed, as after `>&-`.

    Else the next file that is opened gets its number, and what libraries print goes into it.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            setattr(sys, name, os.fdopen(handle, "r" if name == "stdin" else "w"))


def escape_unencodable() -> None:
    """Makes stdout and stderr write `\\u2192` for a character that their encoding does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def check_arguments(arguments: Sequence[str]) -> None:
    """Raises `SftdataError` for an argument that is no text in the encoding of the file system.

    Neither a manifest nor Arrow can hold such a name.
    """
    for argument in arguments:
        if _FOREIGN_BYTES.search(argument):
            raise foreign_bytes(f"The argument '{argument}'")


def foreign_bytes(what: str) -> SftdataError:
    """The error about a name that is no text in the encoding of the file system."""
    encoding = sys.getfilesystemencoding()
    if encoding == "utf-8":
        return SftdataError(
            f"{what} holds bytes that are not UTF-8.", "Rename the file.", code="E103"
        )
    return SftdataError(
        f"{what} holds bytes that are not {encoding}, the encoding of your locale.",
        "Run the command with PYTHONUTF8=1, or in a UTF-8 locale such as LC_ALL=C.UTF-8.",
        code="E103",
    )
