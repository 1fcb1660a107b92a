"""Typed texts: which texts are of a type, their values and their canonical form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.base.typed_text import FieldType, to_canonical, to_value, to_values


@pytest.mark.parametrize(
    ("text", "type_", "value", "canonical"),
    [
        ("0", "int", 0, "0"),
        ("-0", "int", 0, "0"),
        ("12.00", "int", 12, "12"),
        (str(2**64 - 1), "int", 2**64 - 1, str(2**64 - 1)),
        ("1", "float", 1.0, "1.0"),
        ("-2.50", "float", -2.5, "-2.5"),
        ("1E3", "float", 1000.0, "1000.0"),
        ("TRUE", "bool", True, "true"),
        ("False", "bool", False, "false"),
        (" x ", "text", " x ", " x "),
        ("", "int", "", ""),
    ],
)
def test_a_text_of_a_type_has_a_value_and_a_form(
    text: str, type_: FieldType, value: object, canonical: str
) -> None:
    found = to_value(text, type_)
    assert (found, type(found)) == (value, type(value))
    assert to_canonical(text, type_) == canonical


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        *((text, "int") for text in (" 1", "1 ", "+1", "01", "1.5", "1e3", "one", "true", "1_0")),
        *((text, "int") for text in (str(2**64), str(-(2**63) - 1), "9" * 5000, "\u0661")),
        *((text, "float") for text in ("nan", "inf", "1e999", "1,5", ".5", "5.", "")[:-1]),
        *((text, "bool") for text in ("1", "0", "yes", "tRUE", " true")),
    ],
)
def test_any_other_text_is_not_of_the_type(text: str, type_: FieldType) -> None:
    assert to_value(text, type_) is None
    assert to_canonical(text, type_) is None


@given(st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_the_canonical_form_is_what_python_prints_and_gives_the_value_back(
    value: int | float,
) -> None:
    type_: FieldType = "int" if isinstance(value, int) else "float"
    assert to_value(str(value), type_) == value
    assert to_canonical(str(value), type_) == str(value)


def test_a_row_of_texts_becomes_a_row_of_values() -> None:
    row = {"label": "0", "text": "0"}
    assert to_values(row, {"label": "int"}) == {"label": 0, "text": "0"}
    assert to_values(row, {}) is row
