"""Open files that may be compressed. The first bytes tell the compression, not the name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

from sftdata.errors import GoldenSetError
from sftdata.reading.files.read_meter import MeteredFile, ReadMeter

Compression = Literal["gzip", "zstd", "bzip2", "xz"]

SUFFIXES: dict[str, Compression] = {
    ".gz": "gzip",
    ".zst": "zstd",
    ".bz2": "bzip2",
    ".xz": "xz",
}
_MAGIC: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
}
_BZIP2 = b"BZh"  # then a digit and the mark of a block or of the end
_BZIP2_MARKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")

# Raised by a stream of `open_file` whose file cannot be read, is damaged or is cut.
READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)


def detect_compression(head: bytes) -> Compression | None:
    """The compression of a file that starts with these bytes."""
    if head.startswith(_BZIP2) and head[4:10] in _BZIP2_MARKS:
        return "bzip2"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


@contextmanager
def open_file(
    path: Path, compression: Compression | None, meter: ReadMeter | None = None
) -> Iterator[Any]:
    """A binary stream of the file's decompressed bytes; it raises at a damaged or cut-off end.

    `meter` counts the bytes that are read of the file.
    """
    raw = MeteredFile(path, meter or ReadMeter())
    with io.BufferedReader(raw) as file, _decompress(file, compression) as stream:
        yield stream


def _decompress(file: BinaryIO, compression: Compression | None) -> Any:
    if compression == "gzip":
        return gzip.open(file, "rb")  # Arrow's gzip stream takes a cut-off file for a short one
    if compression == "zstd":
        import pyarrow as pa  # only for this: it loads slowly

        return pa.CompressedInputStream(file, "zstd")
    if compression == "bzip2":
        return bz2.open(file, "rb")
    if compression == "xz":
        return lzma.open(file, "rb")
    return file


def unreadable(name: str, compression: Compression | None, error: Exception) -> GoldenSetError:
    """The error for a file whose stream raised one of `READ_ERRORS`."""
    if compression is None:
        reason = getattr(error, "strerror", None) or error
        hint = "permissions" if isinstance(error, PermissionError) else "file and the disk"
        return GoldenSetError(f"{name}: cannot be read: {reason}.", f"Check the {hint}.")
    return GoldenSetError(
        f"{name}: the {compression} data is damaged or cut: {error}",
        "Compress or copy the file again.",
    )
