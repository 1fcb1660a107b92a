"""Files that hold no rows we read, known by their first bytes: an error that says what they are."""

from __future__ import annotations

import re

from sftdata.errors import GoldenSetError

_AS_TEXT = "Export its rows as JSON Lines, CSV or Parquet."
_UNPACK = "Unpack it and give the files in it."
_MAGIC = {
    b"%PDF": ("a PDF document", _AS_TEXT),
    b"SQLite format 3\0": ("an SQLite database", "Export the table: sqlite3 -csv -header FILE "
                                                 "'select * from TABLE' > rows.csv"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an old Office file such as .xls",
                                          "Save the sheet as CSV (UTF-8)."),
    b"\x93NUMPY": ("a NumPy array", _AS_TEXT),
    b"\x89HDF": ("an HDF5 file", _AS_TEXT),
    b"Obj\x01": ("an Avro file", _AS_TEXT),
    b"FEA1": ("a Feather file of version 1", "Write it in version 2, the default of pandas and "
                                             "pyarrow: to_feather(FILE)."),
    b"PARE": ("an encrypted Parquet file", "Write its rows without encryption."),
    b"ORC": ("an ORC file", _AS_TEXT),
    b"\x89PNG": ("an image", _AS_TEXT),
    b"\xff\xd8\xff": ("an image", _AS_TEXT),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"Rar!": ("a RAR archive", _UNPACK),
    b"{\\rtf": ("a rich text document", _AS_TEXT),
}  # fmt: skip
_PICKLE = re.compile(rb"\x80[\x02-\x05](?:[}\]c(]|\x95)")
_PAGE = re.compile(rb"<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_TAR_AT = 257
_OFFICE_PARTS = (b"[Content_Types].xml", b"docProps/", b"xl/workbook")


def check_foreign(name: str, head: bytes) -> None:
    """Raises `GoldenSetError` that says what the file is, if `head`, its start, tells."""
    found = _recognize(head)
    if found is not None:
        kind, hint = found
        raise GoldenSetError(f"{name}: this is {kind}, not a file of rows.", hint, code="E203")


def _recognize(head: bytes) -> tuple[str, str] | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer", "Fetch the file it stands for: git lfs pull"
    if _PAGE.match(text):
        return "an HTML page", "A page came instead of the file: check the address and the login."
    if text.startswith(b"<?xml"):
        return (
            "an XML document",
            "If it is a server's error, download the file again. Else export its rows as JSON "
            "Lines, CSV or Parquet.",
        )
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _describe_zip(head)
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "a tar archive", _UNPACK
    if _PICKLE.match(head):
        return "a Python pickle", _AS_TEXT
    return next((found for magic, found in _MAGIC.items() if head.startswith(magic)), None)


def _describe_zip(head: bytes) -> tuple[str, str]:
    if b"mimetypeapplication/vnd.oasis" in head:
        return "an OpenDocument file", "Save the sheet as CSV (UTF-8)."
    if any(part in head for part in _OFFICE_PARTS):
        return (
            "an Office file that is no .xlsx workbook",
            "Save it as .xlsx or as CSV (UTF-8); if it is one, it is cut: copy it again.",
        )
    return "a zip archive", _UNPACK
