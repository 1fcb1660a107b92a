"""Tell how a file holds its rows: by its first bytes, and where these leave it open by its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sftdata.errors import GoldenSetError
from sftdata.reading.files.block_stream import BlockStream
from sftdata.reading.files.compression import (
    READ_ERRORS,
    SUFFIXES,
    Compression,
    detect_compression,
    open_file,
    unreadable,
)
from sftdata.reading.files.encodings import as_utf8, sniff_encoding
from sftdata.reading.files.foreign_files import check_foreign
from sftdata.reading.files.read_meter import ReadMeter
from sftdata.reading.json.shape import ROW_A_LINE, JsonFile, JsonLayout, find_layout
from sftdata.reading.tables.workbook_files import check_can_read_workbook, is_workbook

Format = Literal["jsonl", "csv", "tsv", "xlsx", "parquet", "arrow", "hub"]

FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_LINE_SUFFIXES = (".jsonl", ".ndjson")
_TEXT_FORMATS = ("jsonl", "csv", "tsv")
_BINARY: dict[bytes, Format] = {b"PAR1": "parquet", b"ARROW1": "arrow"}
_HEAD_BYTES = 64 * 1024
_COMPARED_LINES = 5  # of a file whose name tells no format


@dataclass(frozen=True, slots=True)
class Container:
    """How a file holds its rows. `layout`: of a JSON file."""

    format: Format
    compression: Compression | None = None
    layout: JsonLayout = ROW_A_LINE


def inspect_file(name: str, path: Path) -> Container:
    """How the file holds its rows; `name` is shown in messages.

    Raises `GoldenSetError` for a file that holds none, that cannot be read, or whose first row is
    broken.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    named_compression = SUFFIXES.get(suffixes[-1]) if suffixes else None
    if named_compression:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    compression, head = _detect_compression(name, path)
    if compression is None and is_workbook(path, head):
        check_can_read_workbook(name, path)
        return Container("xlsx")
    check_foreign(name, head)
    if not head and compression is None:
        compression = named_compression  # an empty file is what its name says
    format_ = _find_format(name, suffix, head, compression)
    if format_ != "jsonl":
        return Container(format_, compression)
    file = JsonFile(
        name=name,
        open=lambda: _open_text(path, compression),
        head=_as_text(head),
        is_whole=len(head) < _HEAD_BYTES,
        has_lines=suffix in _LINE_SUFFIXES,
    )
    try:
        return Container(
            format_, compression, replace(find_layout(file), is_utf8=sniff_encoding(head).is_utf8)
        )
    except READ_ERRORS as error:
        raise unreadable(name, compression, error) from error


def _detect_compression(name: str, path: Path) -> tuple[Compression | None, bytes]:
    """The compression of a file, and the start of its content. Raises for a damaged file."""
    compression: Compression | None = None
    try:
        head = _read_head(path, None)
        compression = detect_compression(head)
        if compression is not None:
            head = _read_head(path, compression)
    except READ_ERRORS as error:
        raise unreadable(name, compression, error) from error
    return compression, head


def _find_format(name: str, suffix: str, head: bytes, compression: Compression | None) -> Format:
    """The format of a file that is no workbook. Raises where neither start nor name tells it."""
    named = FORMATS.get(suffix)
    if named == "xlsx":
        named = None  # only its content makes a file a workbook
    format_ = _detect_format(head, named)
    if format_ is None and suffix == ".txt" and head:
        format_ = "tsv"  # as Excel writes its "Unicode text"; reading looks closer
    if format_ is None and suffix == ".toml":
        raise GoldenSetError(
            f"{name} is a TOML file, which holds no rows.",
            "Build a spec with --spec FILE.",
            code="E203",
        )
    if format_ is None or (compression and format_ not in _TEXT_FORMATS):
        raise GoldenSetError(
            f"{name}: neither its name nor its first bytes say how the rows are stored.",
            f"Known: {', '.join(FORMATS)}; .jsonl, .csv and .tsv also with {', '.join(SUFFIXES)}.",
            code="E203",
        )
    return format_


@contextmanager
def open_lines(
    name: str,
    path: Path,
    compression: Compression | None,
    layout: JsonLayout,
    meter: ReadMeter | None = None,
) -> Iterator[Any]:
    """A binary stream of a JSON file's rows, one on each line, in UTF-8.

    A file of lines in UTF-8 is read as it is. Raises `READ_ERRORS` for a damaged file and
    `GoldenSetError` where its rows are cut or something else stands between them.
    """
    if layout.shape == "lines" and layout.is_utf8:
        with open_file(path, compression, meter) as stream:
            yield stream
        return
    with _open_text(path, compression, meter) as text:
        if layout.shape == "lines":
            yield text
            return
        yield BlockStream(_rows(name, text, layout))


@contextmanager
def _open_text(
    path: Path, compression: Compression | None, meter: ReadMeter | None = None
) -> Iterator[Any]:
    with open_file(path, compression, meter) as stream:
        yield as_utf8(stream)


def _rows(name: str, text: Any, layout: JsonLayout) -> Iterator[bytes]:
    from sftdata.reading.json.columns import rows_of_columns  # NumPy loads slowly
    from sftdata.reading.json.rows import rows_of_list, rows_of_values

    if layout.shape == "columns":
        return rows_of_columns(name, text)
    if layout.shape == "values":
        return rows_of_values(name, text, layout.start)
    return rows_of_list(name, text, layout.start, ends_file=layout.key is None)


def _read_head(path: Path, compression: Compression | None) -> bytes:
    head = b""
    with open_file(path, compression) as stream:
        while len(head) < _HEAD_BYTES and (more := stream.read(_HEAD_BYTES - len(head))):
            head += more
    return head


def _as_text(head: bytes) -> bytes:
    """The start of a text as UTF-8. It may be cut inside a character."""
    encoding = sniff_encoding(head)
    text = head[encoding.mark :]
    return text if encoding.is_utf8 else text.decode(encoding.name, "ignore").encode()


def _detect_format(head: bytes, named: Format | None) -> Format | None:
    """The format of a file that starts with `head`; None if neither it nor the name tells."""
    for magic, format_ in _BINARY.items():
        if head.startswith(magic):
            return format_
    if named in ("jsonl", "parquet", "arrow") or not head:
        return named
    text = _as_text(head)
    if _looks_like_json(text):
        return "jsonl"
    return named or _detect_table(text)


def _looks_like_json(text: bytes) -> bool:
    start = b"".join(text[:_HEAD_BYTES].split())[:2]
    return start in (b'{"', b"[{", b"[[")


def _detect_table(text: bytes) -> Format | None:
    """CSV or TSV, if the first lines have equally many delimiters."""
    lines = text.split(b"\n")[:-1][:_COMPARED_LINES]
    for delimiter, format_ in ((b"\t", "tsv"), (b",", "csv"), (b";", "csv"), (b"|", "csv")):
        counts = {line.count(delimiter) for line in lines}
        if len(counts) == 1 and min(counts) > 0:
            return format_  # type: ignore[return-value]
    return None
