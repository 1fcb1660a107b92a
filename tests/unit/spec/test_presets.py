"""Presets: which one a source names, what it changes in a spec, and its errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.errors import SpecError
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from sftdata.spec.presets import find_preset, load_presets, parse_hub_item


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (["preset:squad"], "squad"),
        (["hf:rajpurkar/squad"], "squad"),
        (["hf:rajpurkar/squad:validation", "more.jsonl"], "squad"),
        (["hf:rajpurkar/squad@other"], None),  # not the configuration of the preset
        (["rows.jsonl", "preset:squad"], None),  # the first item decides
        ("preset:squad", None),  # not a list: a fault that the check of the spec tells
        ([], None),
        (3, None),
    ],
)
def test_the_first_source_names_the_preset(data: object, name: str | None) -> None:
    assert find_preset(data) == name


@pytest.mark.parametrize(
    ("item", "parts"),
    [
        ("hf:a/b", ("a/b", "", "")),
        ("hf:a/b@de-en", ("a/b", "de-en", "")),
        ("hf:a/b@de-en:test", ("a/b", "de-en", "test")),
        ("hf:a/b:train[:10]", ("a/b", "", "train[:10]")),
    ],
)
def test_a_hub_item_is_name_configuration_and_split(item: str, parts: tuple[str, str, str]) -> None:
    assert parse_hub_item(item) == parts


def test_a_preset_sets_fields_source_and_license_and_an_option_wins() -> None:
    spec = load_spec(task="qa", data=["preset:squad"], fields={"question": "q"})
    assert isinstance(spec, Spec)
    assert (spec.preset, spec.data) == ("squad", ("hf:rajpurkar/squad",))
    assert spec.license == load_presets()["squad"].license
    assert (spec.fields["answer"].path, spec.fields["question"].path) == ("answers.text[0]", "q")


@pytest.mark.parametrize("data", [["rows.jsonl"], ["hf:rajpurkar/squad", "rows.jsonl"]])
def test_the_license_of_a_preset_is_that_of_its_own_rows_only(data: list[str]) -> None:
    spec = load_spec(task="qa", preset="squad", data=data)
    assert isinstance(spec, Spec)
    assert (spec.preset, spec.license) == ("squad", "")
    own = load_spec(task="qa", data=["test=preset:squad", "train=hf:rajpurkar/squad:train"])
    assert isinstance(own, Spec)
    assert own.license == load_presets()["squad"].license


@pytest.mark.parametrize("data", ["rows.jsonl", 3])
def test_data_that_is_no_list_is_a_fault_with_a_preset_too(data: object) -> None:
    with pytest.raises(SpecError, match="data: must be a list"):
        load_spec(task="qa", preset="squad", data=data)


def test_a_preset_of_another_task_says_which() -> None:
    with pytest.raises(SpecError, match=r"'squad' has no field 'article'(?s:.*)--task qa"):
        load_spec(task="summarize", data=["preset:squad"])


def test_an_unknown_preset_ends_in_a_suggestion() -> None:
    with pytest.raises(SpecError, match=r"'cnn_dailymial'(?s:.*)Did you mean 'cnn_dailymail'"):
        load_spec(task="summarize", data=["preset:cnn_dailymial"])


def test_a_task_without_sources_is_an_error() -> None:
    with pytest.raises(SpecError, match=r"'qaa'(?s:.*)Did you mean 'qa'"):
        load_presets("qaa")


OWN = """
[letters]
hub = "me/\\u001b[31mletters"
task = "summarize"
license = "MIT"
columns = ["body"]
rows = { train = 5 }
fields = { article = "body", summary = { first = ["short", "title"], optional = true } }
"""


def test_a_preset_that_cannot_be_used_is_an_error_that_names_it() -> None:
    Path("pipelines").mkdir()
    path = Path("pipelines/presets.toml")
    path.write_text(OWN.replace('license = "MIT"', 'licence = "MIT"'))
    with pytest.raises(SpecError) as caught:
        load_presets()
    assert str(caught.value).splitlines() == [
        f"Faults in the preset 'letters' in {path.resolve()}:",
        "  license: is missing",
        "  licence: unknown key. Did you mean 'license'?",
    ]
    path.write_text("x = = 1")
    with pytest.raises(SpecError, match=r"presets\.toml: not a TOML file"):
        load_presets()
