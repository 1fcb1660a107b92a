"""JSON schema of specs as people write them, for editors."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sftdata.spec.descriptions import (
    CHECK_KEYS,
    FIELD_KEYS,
    MIXTURE_KEYS,
    SOURCE_KEYS,
    SPEC_KEYS,
    TEMPLATE_KEYS,
)
from sftdata.spec.model import MixedSource, Mixture, Spec
from sftdata.spec.validate import SpecModel

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_TEXT_OR_TEXTS = {"anyOf": [_TEXT, _TEXTS]}
_SCALAR = {"type": ["string", "number", "boolean"]}
_TABLES = {"FieldRule": FIELD_KEYS, "TemplateChoice": TEMPLATE_KEYS, "CheckRule": CHECK_KEYS}
_TEMPLATE = {"anyOf": [_TEXT, {"$ref": "#/$defs/TemplateChoice"}]}

# Shorter ways to write a key, which the model expands.
_WRITTEN: Mapping[str, Any] = {
    "data": {
        "anyOf": [
            {**_TEXTS, "minItems": 1},
            {"type": "object", "additionalProperties": _TEXT_OR_TEXTS},
        ]
    },
    "template": _TEXT,
    "templates": {"anyOf": [_TEXT, {"type": "array", "items": _TEMPLATE}]},
    "fields": {
        "type": "object",
        "additionalProperties": {"anyOf": [_TEXT, {"$ref": "#/$defs/FieldRule"}]},
    },
    "where": {
        "type": "object",
        "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]},
    },
    "checks": {
        "type": "object",
        "additionalProperties": {
            "anyOf": [{"enum": ["flag", "drop", "fail"]}, {"$ref": "#/$defs/CheckRule"}]
        },
    },
    "shots": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
}


def spec_schema() -> dict[str, Any]:
    """The JSON schema of a spec file: of one task, or of a mixture."""
    schema = model_schema(Spec, SPEC_KEYS)
    keys, definitions = schema["properties"], schema["$defs"]
    definitions["FieldRule"]["properties"]["strip_prefix"] = dict(_TEXT_OR_TEXTS)
    for name, descriptions in _TABLES.items():
        _describe(definitions[name]["properties"], descriptions)
    keys["template"] = {}
    for name, written in _WRITTEN.items():
        keys[name] = {**copy.deepcopy(written), "description": SPEC_KEYS[name]}
    mixture = model_schema(Mixture, MIXTURE_KEYS)["properties"]
    source = model_schema(MixedSource, SOURCE_KEYS)["properties"]
    listed = {
        "type": "array",
        "minItems": 1,
        "description": MIXTURE_KEYS["sources"],
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["spec"],
            "properties": keys | source | {"spec": _TEXT | {"description": SOURCE_KEYS["spec"]}},
        },
    }
    own = {name: mixture[name] for name in ("by", "temperature", "max_repeats")}
    table = {
        "type": "object",
        "additionalProperties": False,
        "description": MIXTURE_KEYS["mixture"],
        "properties": own,
    }
    return {
        "$schema": _DRAFT,
        "title": "A spec of sftdata",
        "description": "What to build: sftdata build --spec FILE.",
        "type": "object",
        "additionalProperties": False,
        "required": ["task"],
        "properties": keys | {"mixture": table, "sources": listed},
        "$defs": definitions,
    }


def model_schema(model: type[SpecModel], descriptions: Mapping[str, str]) -> dict[str, Any]:
    """The JSON schema of a model, with a description of each key."""
    schema = model.model_json_schema()
    _describe(schema["properties"], descriptions)
    return {"$schema": _DRAFT, **schema}


def _describe(keys: dict[str, Any], descriptions: Mapping[str, str]) -> None:
    for name, key in keys.items():
        key.pop("title", None)
        # TOML has no null: a key without a value is left out.
        kinds = [kind for kind in key.get("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            del key["anyOf"]
            key |= kinds[0]
        if key.get("default", 0) is None:
            del key["default"]
        if name in descriptions:
            key["description"] = descriptions[name]
