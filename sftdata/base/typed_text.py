"""Typed texts: a golden field is text, and its type says what value a template sees.

A text of a type has one canonical form, so that equal values are equal texts. It is what Python
prints for an int and a float, and JSON's `true` and `false` for a bool.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

FieldType = Literal["text", "int", "float", "bool"]
TypedValue = str | int | float | bool

TYPE_NAMES: dict[FieldType, str] = {
    "text": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
# Numbers as JSON writes them: no blanks, no plus sign, no leading zeros. A whole number may have
# zeros behind the point, because tables with gaps store whole numbers as floats.
_INT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.0+)?")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BOOLS = {"true": True, "false": False, "True": True, "False": False, "TRUE": True, "FALSE": False}
_SMALLEST_INT, _LARGEST_INT = -(2**63), 2**64 - 1  # the range of a column of whole numbers
_LONGEST_INT = 400  # characters; `int` refuses texts that are much longer


def to_value(text: str, type_: FieldType) -> TypedValue | None:
    """The value that the text stands for; None if it is not of the type.

    "" stands for itself in every type: it is the text of an optional field that is not there.
    """
    if type_ == "text" or not text:
        return text
    if type_ == "bool":
        return _BOOLS.get(text)
    if type_ == "float":
        number = float(text) if _FLOAT.fullmatch(text) else math.inf
        return number if math.isfinite(number) else None
    if len(text) > _LONGEST_INT or not _INT.fullmatch(text):
        return None
    whole = int(text.partition(".")[0])
    return whole if _SMALLEST_INT <= whole <= _LARGEST_INT else None


def to_canonical(text: str, type_: FieldType) -> str | None:
    """The canonical form of a text of the type; None if it is not of the type."""
    value = to_value(text, type_)
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def to_values(row: Mapping[str, str], types: Mapping[str, FieldType]) -> Mapping[str, Any]:
    """The values of a row of canonical texts; fields that are not in `types` are text."""
    if not types:
        return row
    return {n: to_value(t, types[n]) if n in types else t for n, t in row.items()}
