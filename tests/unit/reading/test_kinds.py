"""The words for a value that is something else."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from sftdata.reading.kinds import kind_of
from sftdata.reading.tables.columns import Unreadable


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", "a string"),
        ([], "a list"),
        ({}, "an object"),
        (None, "null"),
        (True, "a boolean (true)"),
        (1.5, "a number (1.5)"),
        (b"\xff", "bytes that are not UTF-8"),
        (Unreadable("timestamp[s]"), "a value of type timestamp[s] that Python cannot hold"),
        (datetime.timedelta(1), "a length of time"),
        (object(), "a value"),
    ],
)
def test_a_value_has_a_kind(value: Any, kind: str) -> None:
    assert kind_of(value) == kind
