"""Parse a line of JSON, with the place and the real fault of one that is not JSON."""

from __future__ import annotations

import json
from typing import Any

from sftdata.errors import GoldenSetError
from sftdata.reading.files.encodings import convert_hint, describe_byte
from sftdata.reading.json.faults import broken_row
from sftdata.reading.json.objects import JsonObject

_MAX_DIGITS = 1000


def parse_line(line: bytes, where: str) -> list[Any]:
    """The values of a line: one, or several where files without a last line end were joined.

    Raises `GoldenSetError`.
    """
    try:
        text = line.decode("utf-8").strip(" \t\r\n")
    except UnicodeDecodeError as error:
        raise GoldenSetError(
            f"{where}: {describe_byte(line[error.start])} at position {error.start + 1} is not "
            "UTF-8.",
            convert_hint(where.rpartition(":")[0]),
        ) from error
    values: list[Any] = []
    end = 0
    while end < len(text):
        try:
            value, end = _DECODER.raw_decode(text, end)
        except RecursionError as error:
            raise GoldenSetError(
                f"{where}: the value is nested too deeply.",
                "Remove what is nested; it is not read.",
            ) from error
        except ValueError as error:
            raise broken_row(where, text, error) from error
        values.append(value)
        while end < len(text) and text[end] in " \t\r":
            end += 1
        if end < len(text) and text[end] != "{":
            raise broken_row(where, text, json.JSONDecodeError("Extra data", text, end))
    return values


def _integer(digits: str) -> int | float:
    # Python refuses integers of thousands of digits. Only error messages show the value.
    return int(digits) if len(digits) < _MAX_DIGITS else float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=JsonObject.from_pairs, parse_int=_integer)
