"""Faults of golden rows: fields that are missing, empty, or hold a NUL."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import flag, to_flags
from sftdata.base.reasons import Reason
from sftdata.reading.collect import Parsed
from sftdata.reading.rules import VISIBLE
from sftdata.spec.fields import MESSAGES, FieldRule

_ESCAPED_NUL = r"(?:^|[^\\])(?:\\\\)*\\u0000"


def find_faults(
    parsed: Parsed, fields: Mapping[str, FieldRule], *, keep_nul: bool
) -> dict[int, tuple[str, str]]:
    """Reason and detail by row, also of the faults in `parsed`; the first in field order counts."""
    faults = dict(parsed.faults)
    for name, rule in fields.items():
        if rule.optional or rule.value is not None:
            continue
        column = parsed.columns[name]
        for row in np.flatnonzero(to_flags(column.is_null())):
            faults.setdefault(int(row), (Reason.MISSING_FIELD, f"'{name}' is missing or null"))
        visible = pc.match_substring_regex(column, VISIBLE)
        for row in np.flatnonzero(~to_flags(pc.fill_null(visible, flag(True)))):
            faults.setdefault(int(row), (Reason.EMPTY_FIELD, f"'{name}' is empty"))
    for name in fields:
        column = parsed.columns[name]
        if not keep_nul and (name == MESSAGES or _holds_nul(column)):
            nul = pc.fill_null(_find_nul(name, column), flag(False))
            for row in np.flatnonzero(to_flags(nul)):
                detail = f"'{name}' holds a NUL (U+0000)"
                faults.setdefault(int(row), (Reason.NUL_CHARACTER, detail))
    return faults


def _find_nul(name: str, column: pa.LargeStringArray) -> pa.BooleanArray:
    """Whether each text has a NUL; conversations are JSON, where it is escaped."""
    if name == MESSAGES:
        return pc.match_substring_regex(column, _ESCAPED_NUL)
    return pc.match_substring(column, "\0")


def _holds_nul(column: pa.LargeStringArray) -> bool:
    data = column.buffers()[2]
    return data is not None and data.size > 0 and np.frombuffer(data, np.uint8).min() == 0
