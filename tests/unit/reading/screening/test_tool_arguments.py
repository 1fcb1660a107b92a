"""Arguments of tool calls against the tool's JSON schema."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.reading.screening.tool_arguments import find_argument_fault

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"enum": ["C", "F"]},
        "note": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "at": {"$ref": "#/$defs/point"},
        "when": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    },
    "required": ["city"],
    "$defs": {"point": {"type": "object", "required": ["x"], "properties": {"x": {}}}},
}
CITY = {"city": "Rome"}


@pytest.mark.parametrize(
    "arguments",
    [
        CITY, {**CITY, "days": 3}, {**CITY, "days": 3.0}, {**CITY, "unit": "C"},
        {**CITY, "note": None}, {**CITY, "tags": []}, {**CITY, "at": {"x": 1, "y": 2}},
        {**CITY, "when": 5},
    ],
)  # fmt: skip
def test_arguments_that_fit_have_no_fault(arguments: dict[str, Any]) -> None:
    assert find_argument_fault(arguments, WEATHER) is None


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({}, "lack 'city'"),
        ({"city": 5}, "have a number (5) for 'city', not string"),
        ({**CITY, "days": 2.5}, "have a number (2.5) for 'days', not integer"),
        ({**CITY, "days": True}, "not integer"),
        ({**CITY, "unit": "K"}, "have 'K' for 'unit', which is not one of ['C', 'F']"),
        ({**CITY, "tags": ["a", 1]}, "for 'tags[1]', not string"),
        ({**CITY, "at": {}}, "lack 'at.x'"),
        ({**CITY, "when": []}, "'when' fits none of anyOf"),
        ({**CITY, "town": "x"}, "have 'town', which the tool does not"),
        ("{broken", "are a string, not an object: '{broken'"),
    ],
)
def test_a_fault_is_named_with_its_place(arguments: Any, fault: str) -> None:
    assert fault in str(find_argument_fault(arguments, WEATHER))


@pytest.mark.parametrize(
    ("parameters", "fits"),
    [
        (None, True),  # nothing says which arguments there are
        ({}, True),
        ({"type": "object"}, True),
        ({"type": "object", "properties": {}}, False),
        ({"type": "object", "properties": {}, "additionalProperties": True}, True),
        ({"city": {"type": "str", "description": "The city."}}, True),  # without a schema around
        ({"town": {"type": "string"}}, False),
        ({"$ref": "#/$defs/all", "$defs": {"all": {"$ref": "#/$defs/all"}}}, True),
    ],
)
def test_a_schema_may_say_little(parameters: Any, fits: bool) -> None:
    assert (find_argument_fault(CITY, parameters) is None) is fits
