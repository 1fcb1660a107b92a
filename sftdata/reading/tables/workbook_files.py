"""Excel workbooks among files, and whether the package that reads them is there."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

from sftdata.errors import GoldenSetError

_ZIP = b"PK\x03\x04"
_MAX_BYTES = 1024 * 1024 * 1024  # of XML: openpyxl holds the texts of a workbook in memory
_PART = "xl/workbook.xml"  # not in .xlsb, which is binary


def is_workbook(path: Path, head: bytes) -> bool:
    """Whether a file with this start is an Excel workbook (.xlsx, .xlsm)."""
    if not head.startswith(_ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return _PART in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def check_can_read_workbook(name: str, path: Path) -> None:
    """Raises `GoldenSetError` where openpyxl is not installed, or the workbook is far too large."""
    if importlib.util.find_spec("openpyxl") is None:
        raise GoldenSetError(
            f"{name}: this is an Excel workbook; reading it needs openpyxl, which is not "
            "installed.",
            "Install it: pip install 'sftdata[xlsx]'. Or save the sheet as CSV (UTF-8).",
            code="E104",
        )
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > _MAX_BYTES:
        raise GoldenSetError(
            f"{name}: the workbook has {size / 2**20:,.0f} MiB when it is unpacked; at most "
            f"{_MAX_BYTES // 2**20:,} MiB are read.",
            "Save the sheet as CSV (UTF-8), which is read a piece at a time.",
        )
