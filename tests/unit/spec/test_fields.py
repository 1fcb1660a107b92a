"""Field rules: how they may be written, and how they are written back."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.errors import SpecError
from sftdata.spec.fields import FieldRule
from sftdata.spec.validate import validate


@pytest.mark.parametrize(
    ("written", "rule", "paths"),
    [
        ("a.b", FieldRule(path="a.b"), ("a.b",)),
        ({"first": ["a", "b"]}, FieldRule(first=("a", "b")), ("a", "b")),
        ({"value": ""}, FieldRule(value=""), ()),
        (
            {"path": "a", "optional": True, "strip_prefix": ["CNN"]},
            FieldRule(path="a", optional=True, strip_prefix=("CNN",)),
            ("a",),
        ),
    ],
)
def test_a_rule_is_written_back_as_it_was(
    written: Any, rule: FieldRule, paths: tuple[str, ...]
) -> None:
    assert validate(FieldRule, written, "") == rule
    assert (rule.to_json(), rule.paths) == (written, paths)


def test_one_prefix_needs_no_list() -> None:
    rule = validate(FieldRule, {"path": "a", "strip_prefix": "CNN"}, "")
    assert rule.strip_prefix == ("CNN",)


@pytest.mark.parametrize("written", [{}, {"path": "a", "value": "b"}, {"optional": True}])
def test_a_rule_has_exactly_one_source(written: Any) -> None:
    with pytest.raises(SpecError, match="give one of: path, first, value"):
        validate(FieldRule, written, "the field 'a'")


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ({"value": "en", "optional": True}, "takes neither optional nor strip_prefix"),
        ({"value": "en", "strip_prefix": "e"}, "takes neither optional nor strip_prefix"),
        ({"value": "one", "type": "int"}, "the value 'one' is not a whole number"),
        ({"path": "a", "type": "number"}, "must be 'text', 'int', 'float' or 'bool'"),
    ],
)
def test_a_key_of_a_rule_that_cannot_be_meant_is_an_error(written: Any, fault: str) -> None:
    with pytest.raises(SpecError, match=fault):
        validate(FieldRule, written, "the field 'a'")
