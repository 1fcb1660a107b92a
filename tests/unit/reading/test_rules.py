"""Field rules: the column that a rule makes, and the rows that are not of its type."""

from __future__ import annotations

import pyarrow as pa
import pytest

from sftdata.reading.rules import apply_rule, to_type
from sftdata.spec.fields import FieldRule


def column(*values: str | None) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


@pytest.mark.parametrize(
    ("rule", "read", "expected"),
    [
        (FieldRule(path="a"), [["x", None]], ["x", None]),
        (FieldRule(path="a", optional=True), [["x", None]], ["x", ""]),
        (FieldRule(first=("a", "b")), [[" ", None], ["y", "z"]], ["y", "z"]),
        (FieldRule(value="v"), [], ["v", "v"]),
        (FieldRule(path="a", strip_prefix=("A: ", "A: B: ")), [["A: B: x", "B: y"]], ["x", "B: y"]),
    ],
)
def test_a_rule_makes_a_golden_field(
    rule: FieldRule, read: list[list[str | None]], expected: list[str | None]
) -> None:
    assert apply_rule(rule, [column(*values) for values in read], 2).to_pylist() == expected


def test_texts_get_the_form_of_the_type_and_others_are_named() -> None:
    found, faulty = to_type(column("1.0", "x", None, " ", "2", "y" * 60), "int")
    assert found.to_pylist() == ["1", "x", None, "", "2", "y" * 60]
    assert list(faulty) == [
        (1, "is 'x', not a whole number"),
        (5, f"is '{'y' * 40}…', not a whole number"),
    ]
