"""The words for a value that is something else."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.reading.conversations.faults import kind_of


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", "text"),
        ([], "a list"),
        ({}, "an object"),
        (None, "null"),
        (True, "a boolean (true)"),
        (1.5, "a number (1.5)"),
        (b"", "a value"),
    ],
)
def test_a_value_has_a_kind(value: Any, kind: str) -> None:
    assert kind_of(value) == kind
