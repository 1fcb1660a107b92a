"""Text encodings: tell UTF-8, UTF-16 and UTF-32 apart by the first bytes; name bytes of others."""

from __future__ import annotations

import codecs
import io
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sftdata.reading.files.block_stream import BlockStream

_HEAD = 4
_DECODED_BYTES = 1 << 20  # at a time
# The mark of UTF-32 begins like that of UTF-16, so it comes first.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Where the first four bytes are NUL if the text starts with ASCII (RFC 4627, 3).
_NULS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding of a text. `name`: for `str.encode`; `mark`: bytes of its byte order mark."""

    name: str
    mark: int = 0

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes can be read as they are."""
        return self.name == "utf-8"


def sniff_encoding(head: bytes) -> Encoding:
    """The encoding of a text that starts with `head`: UTF-8 unless its first bytes say another."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return Encoding(name, len(mark))
    nuls = tuple(byte == 0 for byte in head[:_HEAD])
    return Encoding(_NULS.get(nuls, "utf-8"))


def open_text(stream: Any) -> tuple[Encoding, io.BufferedReader]:
    """The encoding of a binary stream, and the stream after its byte order mark."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)
    encoding = sniff_encoding(buffered.peek(_HEAD))
    buffered.read(encoding.mark)
    return encoding, buffered


def as_utf8(stream: Any) -> io.BufferedReader:
    """The text of a binary stream as bytes in UTF-8, without a byte order mark.

    Bytes of UTF-8 are passed on unchecked. A lone surrogate of UTF-16 becomes bytes that are not
    UTF-8. Reading raises `EOFError` for UTF-16 or UTF-32 that is cut in the middle of a character.
    """
    encoding, buffered = open_text(stream)
    if encoding.is_utf8:
        return buffered
    return io.BufferedReader(BlockStream(_decode_blocks(buffered, encoding.name)))


def _decode_blocks(stream: io.BufferedReader, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    data = None
    while data != b"":
        data = stream.read(_DECODED_BYTES)
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise EOFError(f"it is not {error.encoding}: {error.reason}") from error
        yield text.encode("utf-8", "surrogatepass")


def describe_byte(byte: int) -> str:
    """A byte that is not UTF-8, with the character it likely stands for."""
    shown = f"byte 0x{byte:02x}"
    try:
        return f"{shown} ('{bytes([byte]).decode('cp1252')}' in Windows-1252)"
    except UnicodeDecodeError:
        return shown


def convert_hint(name: str) -> str:
    """How to make a file UTF-8."""
    target = f"utf8-{name.rpartition('/')[2]}"
    command = f"iconv -f WINDOWS-1252 -t UTF-8 {shlex.quote(name)} > {shlex.quote(target)}"
    return f"Save the file as UTF-8, or convert it ({command})."
