"""Excel workbooks among files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.workbook_files import check_can_read_workbooks, is_workbook


def test_without_openpyxl_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(GoldenSetError, match=r"a\.xlsx.*openpyxl.*\n.*sftdata\[xlsx\].*CSV"):
        check_can_read_workbooks("a.xlsx")


def test_what_only_begins_like_an_archive_is_no_workbook() -> None:
    Path("a").write_bytes(b"PK\x03\x04 and no more")
    assert not is_workbook(Path("a"), b"PK\x03\x04 and no more")
