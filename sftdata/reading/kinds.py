"""The kinds of values, in the words of messages about a value of the wrong kind."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from sftdata.reading.tables.columns import Unreadable


def kind_of(value: Any) -> str:
    """The kind of a value: "a list", "a number (3)"."""
    if isinstance(value, Unreadable):
        return f"a value of type {value.type} that Python cannot hold"
    if isinstance(value, bool):
        return f"a boolean ({str(value).lower()})"
    if isinstance(value, (int, float, Decimal)):
        return f"a number ({value})"
    if isinstance(value, (datetime.date, datetime.time)):
        return f"a {'date' if type(value) is datetime.date else 'time'} ({value.isoformat()})"
    kinds: dict[type, str] = {
        str: "a string",
        bytes: "bytes that are not UTF-8",
        list: "a list",
        tuple: "a list",
        dict: "an object",
        datetime.timedelta: "a length of time",
        type(None): "null",
    }
    return next((text for kind, text in kinds.items() if isinstance(value, kind)), "a value")
