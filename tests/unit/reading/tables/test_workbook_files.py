"""Excel workbooks among files."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.tables.workbook_files import check_can_read_workbook, is_workbook


def test_without_openpyxl_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(GoldenSetError, match=r"a\.xlsx.*openpyxl.*\n.*sftdata\[xlsx\].*CSV"):
        check_can_read_workbook("a.xlsx", workbook(0))


def test_a_workbook_that_is_large_when_unpacked_is_refused() -> None:
    path = workbook(1024 * 2**20 + 1)
    assert path.stat().st_size < 1000
    with pytest.raises(GoldenSetError, match=r"a\.xlsx.*at most 1,024 MiB.*\n.*CSV"):
        check_can_read_workbook("a.xlsx", path)


def workbook(size: int) -> Path:
    """An archive that says its part has this size."""
    with zipfile.ZipFile("a.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "")
        archive.infolist()[0].file_size = size
    return Path("a.xlsx")


def test_what_only_begins_like_an_archive_is_no_workbook() -> None:
    Path("a").write_bytes(b"PK\x03\x04 and no more")
    assert not is_workbook(Path("a"), b"PK\x03\x04 and no more")
