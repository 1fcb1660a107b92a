"""Quotes: the text of a row that a check has matched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import texts
from sftdata.inspecting.doctor.batch import RowBatch

Quote = Callable[[RowBatch], str]  # of a batch of one row

_LONGEST = 80  # characters of a quote


def quote_target(rows: RowBatch) -> str:
    """The start of the target: for checks on more than one place of a row."""
    return shorten(rows.target[0].as_py())


def quote_match(columns: Sequence[pa.LargeStringArray], *patterns: str) -> str:
    """The first match of an RE2 pattern in the texts of a row; "" if there is none."""
    for column in columns:
        for pattern in patterns:
            found = find_match(column[0].as_py(), pattern)
            if found:
                return shorten(found)
    return ""


def find_match(text: str, pattern: str) -> str | None:
    """The first match of an RE2 pattern in a text; None if there is none."""
    found = pc.extract_regex(texts([text]), f"(?P<found>{pattern})")
    value: str | None = pa.compute.struct_field(found, "found")[0].as_py()
    return value


def shorten(text: str) -> str:
    """The text, cut after `_LONGEST` characters."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
