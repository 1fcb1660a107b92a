"""Encodings: told by the first bytes, and read as UTF-8."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest

from sftdata.reading.files.encodings import (
    Encoding,
    as_utf8,
    convert_hint,
    describe_byte,
    sniff_encoding,
)

TEXT = '{"a": "日本 é 😀"}\r\n'
WITH_A_MARK = ("utf-8-sig", "utf-16", "utf-32")
WITHOUT = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize("encoding", WITH_A_MARK + WITHOUT)
@pytest.mark.parametrize("times", [1, 100_000])
def test_a_text_in_any_encoding_is_read_as_utf8_without_its_mark(encoding: str, times: int) -> None:
    content = (TEXT * times).encode(encoding)
    assert as_utf8(io.BytesIO(content)).read() == TEXT.encode() * times


def test_a_compressed_stream_is_read_as_utf8() -> None:
    packed = pa.compress(TEXT.encode("utf-16"), "zstd", asbytes=True)
    stream = pa.CompressedInputStream(pa.BufferReader(packed), "zstd")
    assert as_utf8(stream).read() == TEXT.encode()


@pytest.mark.parametrize("content", [b"", b"a", b"ab\n", b"\x00", b"a\x00bc", "é".encode("cp1252")])
def test_other_bytes_are_taken_for_utf8_and_passed_on(content: bytes) -> None:
    assert sniff_encoding(content) == Encoding("utf-8")
    assert as_utf8(io.BytesIO(content)).read() == content


def test_half_a_character_at_the_end_is_an_error() -> None:
    with pytest.raises(EOFError, match="utf-16"):
        as_utf8(io.BytesIO("ab\n".encode("utf-16")[:-1])).read()


def test_a_lone_surrogate_becomes_bytes_that_are_not_utf8() -> None:
    content = as_utf8(io.BytesIO("a\ud800\n".encode("utf-16", "surrogatepass"))).read()
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")


def test_a_byte_is_shown_with_the_character_it_likely_is() -> None:
    assert describe_byte(0xE4) == "byte 0xe4 ('ä' in Windows-1252)"
    assert describe_byte(0x81) == "byte 0x81"  # Windows-1252 has no such character
    assert "-t UTF-8 'in/a b.csv' > 'utf8-a b.csv'" in convert_hint("in/a b.csv")
