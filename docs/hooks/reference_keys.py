"""The keys of specs and recipes as Markdown tables, from what `sftdata schema` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from click.testing import CliRunner
from markdown_text import code, escape, table

from sftdata.cli import cli
from sftdata.spec.descriptions import SOURCE_KEYS

Schema = Mapping[str, Any]
_NAMES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true, false"}
_BOUNDS = {
    "minimum": "from {}",
    "exclusiveMinimum": "above {}",
    "maximum": "to {}",
    "exclusiveMaximum": "below {}",
}


@cache
def read_schema(kind: str) -> Schema:
    """The JSON schema of a spec or a recipe."""
    printed = CliRunner().invoke(cli, ["schema", kind], catch_exceptions=False)
    schema: Schema = json.loads(printed.stdout)
    return schema


def list_spec_keys() -> str:
    """Keys of the spec of one task."""
    keys = read_schema("spec")["properties"]
    return _table({name: keys[name] for name in sorted(keys) if name not in ("mixture", "sources")})


def list_table_keys(name: str) -> str:
    """Keys of a table inside a spec: FieldRule, TemplateChoice or CheckRule."""
    return _table(read_schema("spec")["$defs"][name]["properties"])


def list_mixture_keys() -> str:
    """Keys of the table [mixture]."""
    return _table(read_schema("spec")["properties"]["mixture"]["properties"])


def list_source_keys() -> str:
    """Keys that only the tables [[sources]] of a mixture have."""
    keys = read_schema("spec")["properties"]["sources"]["items"]["properties"]
    return _table({name: keys[name] for name in SOURCE_KEYS})


def list_recipe_keys() -> str:
    """Keys of a recipe."""
    return _table(read_schema("recipe")["properties"])


def _table(keys: Schema) -> str:
    rows = [
        [f"{code(name)}<br><small>{_type(key)}</small>", _meaning(key)]
        for name, key in keys.items()
    ]
    return table(["Key", "Meaning"], rows)


def _meaning(key: Schema) -> str:
    default = key.get("default")
    if default in (None, "", []):
        return escape(key["description"])
    shown = default if isinstance(default, str) else _toml(default)
    return f"{escape(key['description'])} Default: {code(shown)}."


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + " }"
    return json.dumps(value)


def _type(key: Schema) -> str:
    if "$ref" in key:
        return "table"
    if "anyOf" in key:
        return " or ".join(dict.fromkeys(map(_type, key["anyOf"])))
    if "enum" in key:
        return ", ".join(key["enum"])
    kind = key["type"]
    if isinstance(kind, list):
        return ", ".join(_NAMES[name] for name in kind)
    if kind == "array":
        return f"list of {'pairs' if 'prefixItems' in key['items'] else _type(key['items'])}"
    if kind == "object":
        inside = key.get("additionalProperties")
        if isinstance(inside, dict) and inside.keys() == {"type"}:
            return f"table of {_type(inside)}"
        return "table"
    name = "date" if key.get("format") == "date" else _NAMES[kind]
    bounds = [text.format(f"{key[bound]:g}") for bound, text in _BOUNDS.items() if bound in key]
    return f"{name} {' '.join(bounds)}".strip()
