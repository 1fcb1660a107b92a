"""The presets: each maps the columns on its dataset's card to the fields of a bundled task."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from sftdata.base.content import bundled_root
from sftdata.spec.paths import parse_path

PIPELINES = bundled_root() / "pipelines"
PRESETS: dict[str, dict[str, Any]] = tomllib.loads(
    (PIPELINES / "presets.toml").read_text(encoding="utf-8")
)
REQUIRED = {"hub", "task", "license", "columns", "rows", "note", "fields"}
OPTIONAL = {"config", "where", "group"}


def paths(field: Any) -> Iterator[str]:
    """The paths in a field of a mapping; none for a constant."""
    if isinstance(field, str):
        yield field
    else:
        yield from field.get("first", ())
        if "path" in field:
            yield field["path"]


@pytest.fixture(params=sorted(PRESETS))
def preset(request: pytest.FixtureRequest) -> dict[str, Any]:
    return PRESETS[request.param]


def test_the_typical_training_sets_are_there() -> None:
    assert {
        *("cnn_dailymail", "xsum", "billsum", "samsum", "coedit_gec", "jfleg"),
        *("wmt14", "wmt16", "opus100", "squad", "squad_v2", "alpaca"),
    } <= set(PRESETS)


def test_it_has_the_keys_of_a_preset(preset: dict[str, Any]) -> None:
    assert set(preset) >= REQUIRED
    assert set(preset) <= REQUIRED | OPTIONAL
    assert preset["hub"].count("/") == 1
    assert preset["note"].endswith(".")
    assert all(count > 0 for count in preset["rows"].values())


def test_it_fills_the_fields_of_its_task(preset: dict[str, Any]) -> None:
    spec = tomllib.loads((PIPELINES / f"{preset['task']}.toml").read_text(encoding="utf-8"))
    assert set(preset["fields"]) | {"id"} == set(spec["fields"])


def test_it_reads_only_columns_of_the_card(preset: dict[str, Any]) -> None:
    read = [path for field in preset["fields"].values() for path in paths(field)]
    read += [*preset.get("where", ()), *([preset["group"]] if "group" in preset else [])]
    for path in read:
        assert parse_path(path.removesuffix("[]"))[0] in preset["columns"], path


def test_the_instruction_prefixes_end_where_the_text_begins() -> None:
    prefixes = PRESETS["coedit_gec"]["fields"]["text"]["strip_prefix"]
    assert len(set(prefixes)) == len(prefixes)
    assert all(prefix.endswith(": ") and prefix.count(":") == 1 for prefix in prefixes)


def test_the_swapped_direction_is_the_same_set_the_other_way_round() -> None:
    for name, swapped in (
        ("wmt16", "wmt16_de_en"),
        ("wmt14", "wmt14_de_en"),
        ("opus100", "opus100_fr_en"),
    ):
        there, back = PRESETS[name], PRESETS[swapped]
        assert (there["hub"], there["config"], there["rows"]) == (
            back["hub"],
            back["config"],
            back["rows"],
        )
        assert there["fields"]["source"] == back["fields"]["translation"]
        assert there["fields"]["source_lang"] == back["fields"]["target_lang"]
