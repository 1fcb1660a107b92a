"""The spec of a build without a task: what the rows can only be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftdata.building.find_spec import find_spec_to_build
from sftdata.errors import SpecError, TemplateError
from sftdata.spec.model import Spec


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def find(row: dict[str, Any], **given: Any) -> tuple[Spec, list[str]]:
    """The spec for a file with this row, and what was reported."""
    Path("mine.jsonl").write_text(json.dumps(row) + "\n")
    notes: list[str] = []
    spec = find_spec_to_build(None, None, notes.append, data=["mine.jsonl"], **given)
    assert isinstance(spec, Spec)
    return spec, notes


def test_the_columns_name_the_task_and_the_build_says_so() -> None:
    spec, notes = find({"instruction": "a", "context": "b", "response": "c"})
    assert spec.task == "instruct"
    assert spec.fields["input"].path == "context"
    assert spec.fields["input"].optional
    assert notes == [
        "The rows are taken for Dolly rows: "
        "--task instruct --map input=context --map output=response"
    ]


def test_a_field_that_is_mapped_counts_as_its_column() -> None:
    spec, notes = find({"article": "a", "tldr": "b"}, fields={"summary": "tldr"})
    assert (spec.task, spec.fields["summary"].path) == ("summarize", "tldr")
    assert notes == ["The rows are taken for rows of the task summarize: --task summarize"]


def test_a_template_or_a_preset_names_the_task() -> None:
    row = {"body": "a", "headline": "b"}
    fields = {"article": "body", "summary": "headline"}
    spec, notes = find(row, templates=["summarize/style"], fields=fields)
    assert (spec.task, notes) == ("summarize", [])
    spec, notes = find({"sentence": "a", "corrections": ["b"]}, preset="jfleg")
    assert (spec.task, notes) == ("grammar", [])


def test_two_meanings_are_an_error_with_both_commands() -> None:
    with pytest.raises(SpecError, match="more than one thing") as caught:
        find({"translation": {"de": "Ja", "en": "Yes"}})
    assert "sftdata build mine.jsonl --task translate --preset wmt16 " in str(caught.value)
    assert "--task translate --preset wmt16_de_en " in str(caught.value)


def test_unknown_columns_are_an_error_with_the_mapping_that_fits_best() -> None:
    with pytest.raises(SpecError, match="has the columns headline, body, which fit no task") as e:
        find({"headline": "a", "body": "b"})
    assert "--task summarize --map article=body --map summary=headline" in str(e.value)
    assert "sftdata init DIR --data PATH" in str(e.value)
    # A mixture takes no --data.
    assert "instruct, qa, rewrite" in str(e.value)
    assert "multitask" not in str(e.value)


@pytest.mark.parametrize(
    ("row", "fault", "way_out"),
    [
        (
            {"prompt": "q", "chosen": "a", "rejected": "b"},
            "sftdata teaches one answer",
            "--task completion --map completion=chosen",
        ),
        (
            {"question": "q", "chosen": "a", "rejected": "b"},
            "sftdata teaches one answer",
            "--task completion --map prompt=COLUMN --map completion=chosen",
        ),
        (
            {"chosen": [{"role": "user", "content": "q"}], "rejected": []},
            "sftdata teaches one answer",
            "--task chat --map messages=chosen",
        ),
        ({"text": "Q: Why? A: So."}, "the column text. A prompt and a target need two", "Divide"),
    ],
)
def test_preferences_and_whole_texts_are_named_as_what_they_are(
    row: dict[str, Any], fault: str, way_out: str
) -> None:
    with pytest.raises(SpecError, match=fault) as caught:
        find(row)
    assert way_out in str(caught.value)


def test_without_rows_the_bundled_sample_is_built() -> None:
    spec = find_spec_to_build(None, None, lambda line: None)
    assert spec.task == "summarize"


def test_a_template_without_its_task_is_no_unknown_task() -> None:
    with pytest.raises(TemplateError, match="'article' is not the id of a template"):
        find_spec_to_build(None, None, print, templates=["article"])


def test_a_spec_with_faults_is_named_and_does_not_stop_a_build_of_other_rows() -> None:
    Path("pipelines").mkdir()
    Path("pipelines/bad.toml").write_text("tas = 1\n")
    spec, notes = find({"article": "a", "summary": "b"})
    assert spec.task == "summarize"
    assert len(notes) == 2
    assert "not compared with a spec that has faults" in notes[0]
    assert "tas (line 1): unknown key" in notes[0]
