"""The JSON schema of specs: every key, described; the ways to write it that people use."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from support.places import ROOT

from sftdata.spec.json_schema import model_schema, spec_schema
from sftdata.spec.model import Mixture, Spec

BUNDLED = sorted(p for p in (ROOT / "pipelines").glob("*.toml") if p.stem != "presets")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return spec_schema()


def test_every_key_of_a_spec_and_a_mixture_is_described(schema: dict[str, Any]) -> None:
    source = schema["properties"]["sources"]["items"]["properties"]
    mixture = schema["properties"]["mixture"]["properties"]
    inside = [table["properties"] for table in schema["$defs"].values()]
    for keys in (schema["properties"], source, mixture, *inside):
        assert [name for name, key in keys.items() if not key.get("description")] == []
    assert Spec.model_fields.keys() < schema["properties"].keys()
    assert Mixture.model_fields.keys() < schema["properties"].keys() | mixture.keys()


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_the_keys_of_the_bundled_specs_are_in_it(schema: dict[str, Any], path: Any) -> None:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    assert values.keys() <= schema["properties"].keys()
    for source in values.get("sources", ()):
        assert source.keys() <= schema["properties"]["sources"]["items"]["properties"].keys()


def test_a_key_may_be_written_short(schema: dict[str, Any]) -> None:
    text = {"type": "string"}
    assert text in schema["properties"]["fields"]["additionalProperties"]["anyOf"]
    assert text in schema["properties"]["templates"]["anyOf"]
    assert {"type": "integer"} in schema["properties"]["shots"]["anyOf"]
    assert schema["required"] == ["task"]  # options may give the rest


def test_a_key_that_may_be_left_out_has_no_null() -> None:
    key = model_schema(Spec, {"max_length": "Tokens."})["properties"]["max_length"]
    assert key == {"minimum": 2, "type": "integer", "description": "Tokens."}
