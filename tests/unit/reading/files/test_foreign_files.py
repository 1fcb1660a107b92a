"""Files that hold no rows: an error that says what they are and what to do."""

from __future__ import annotations

import io
import pickle
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.sources.resolve import resolve_sources


def zipped(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, b'{"a": 1}\n')
    return data.getvalue()


def tarred() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.jsonl"))
    return data.getvalue()


def database() -> bytes:
    with sqlite3.connect("a.db") as connection:
        connection.execute("create table rows (a)")
    connection.close()
    return Path("a.db").read_bytes()


FOREIGN = [
    (b"<!DOCTYPE html>\n<html></html>", "an HTML page", "check the address"),
    (b"\n <html><body>404", "an HTML page", "check the address"),
    (b"<?xml version='1.0'?><Error/>", "an XML document", "download the file again"),
    (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer", "git lfs pull"),
    (zipped("train.jsonl"), "a zip archive", "Unpack"),
    (zipped("[Content_Types].xml"), "an Office file that is no .xlsx workbook", "CSV"),
    (tarred(), "a tar archive", "Unpack"),
    (b"%PDF-1.7\n", "a PDF document", "JSON Lines, CSV or Parquet"),
    (pickle.dumps([{"a": 1}]), "a Python pickle", "JSON Lines, CSV or Parquet"),
    (pickle.dumps({"a": 1}, 2), "a Python pickle", "JSON Lines, CSV or Parquet"),
    (b"FEA1\0\0\0\0", "a Feather file of version 1", "version 2"),
    (b"PARE\0\0\0\0", "an encrypted Parquet file", "without encryption"),
    (b"\x93NUMPY\x01\0", "a NumPy array", "JSON Lines, CSV or Parquet"),
]


@pytest.mark.parametrize(("content", "kind", "hint"), FOREIGN, ids=[kind for _, kind, _ in FOREIGN])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet", "a"])
def test_what_is_no_file_of_rows_is_named(name: str, content: bytes, kind: str, hint: str) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(GoldenSetError, match=rf"^{name}: this is {kind}, .*\n.*{hint}"):
        resolve_sources([name])


def test_a_database_is_named() -> None:
    Path("rows.jsonl").write_bytes(database())
    with pytest.raises(GoldenSetError, match=r"an SQLite database(?s:.*)sqlite3 -csv -header"):
        resolve_sources(["rows.jsonl"])
