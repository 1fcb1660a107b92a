"""Columns that can only mean one thing name their task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sftdata.spec.shapes import find_faulty_specs, find_shapes

TURNS = [{"role": "user", "content": "Hi"}]
ONE = {
    "article summary": "--task summarize",
    "article highlights id": "--task summarize --preset cnn_dailymail",
    "document summary id": "--task summarize --preset xsum",
    "text corrected": "--task grammar",
    "source translation source_lang target_lang": "--task translate",
    "context question answer": "--task qa",
    "question answer": "--task qa",
    "text instruction rewritten": "--task rewrite",
    "instruction input output": "--task instruct",
    "instruction output": "--task instruct",
    "instruction input output system history": "--task instruct",
    "instruction context response category": (
        "--task instruct --map input=context --map output=response"
    ),
    "id system_prompt question response": (
        "--task instruct --map instruction=question --map output=response "
        "--map system=system_prompt"
    ),
    "prompt completion": "--task completion",
    "prompt response": "--task completion --map completion=response",
}


def test_a_spec_with_faults_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "bad.toml").write_text("tas = 1\n")
    monkeypatch.chdir(tmp_path)
    (shape,) = find_shapes([{"prompt": "a", "completion": "b"}])
    assert shape.task == "completion"
    (fault,) = find_faulty_specs()
    assert "bad.toml" in str(fault)


@pytest.mark.parametrize("columns", ONE)
def test_columns_with_one_meaning_name_their_task(columns: str) -> None:
    (shape,) = find_shapes([dict.fromkeys(columns.split(), "text")])
    assert shape.options == ONE[columns]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": TURNS, "prompt": "Hi"},
        {"conversations": [{"from": "human", "value": "Hi"}], "system": "s"},
        {"prompt": TURNS, "completion": TURNS},
        {"messages": '[{"role": "user", "content": "Hi"}]'},
        {"conversations": [["human", "Hi"]]},
    ],
    ids=str,
)
def test_lists_of_turns_are_conversations(row: dict[str, Any]) -> None:
    (shape,) = find_shapes([row])
    assert shape.options == "--task chat"


def test_a_nested_path_must_lead_somewhere() -> None:
    answers = {"text": ["x"], "answer_start": [0]}
    (shape,) = find_shapes([{"title": "", "context": "", "question": "", "answers": answers}])
    assert shape.options == "--task qa --preset squad"
    assert find_shapes([{"translation": {"xx": "a", "yy": "b"}}]) == []


def test_rows_without_the_column_that_a_preset_groups_by_are_only_mapped() -> None:
    answers = {"text": ["x", "y"], "answer_start": [0, 0]}
    (shape,) = find_shapes([{"context": "", "question": "", "answers": answers}])
    assert shape.options == (
        "--task qa --map context=context --map question=question --map answer=answers.text[0]"
    )
    assert "group" not in shape.values


def test_two_directions_are_two_meanings() -> None:
    shapes = find_shapes([{"translation": {"de": "Ja", "en": "Yes"}}])
    assert {shape.preset_name for shape in shapes} == {"wmt16", "wmt16_de_en"}


def test_a_preset_brings_its_rules_and_not_its_facts() -> None:
    (shape,) = find_shapes([{"_id": "1", "task": "gec", "src": "a", "tgt": "b"}])
    assert shape.values["where"] == {"task": "gec"}
    assert shape.values["fields"]["corrected"] == "tgt"
    assert "license" not in shape.values


def test_unknown_columns_have_no_shape() -> None:
    assert find_shapes([{"headline": "a", "body": "b"}]) == []
