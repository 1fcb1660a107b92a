"""The spec that is proposed for rows: what they are taken for, and what is new for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftdata.building.propose import Proposal, propose
from sftdata.errors import SpecError
from sftdata.rendering.template import parse_template


def propose_for(*rows: dict[str, Any], task: str | None = None) -> Proposal:
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return propose(["rows.jsonl"], "mine", task)


def test_usual_names_of_the_fields_of_one_task_are_that_task() -> None:
    proposal = propose_for({"title": "T", "body": "B", "highlights": "H"})
    assert proposal.base == "summarize"
    assert proposal.values == {"fields": {"article": "body", "summary": "highlights"}}
    assert "article = body, summary = highlights" in proposal.sees


def test_names_that_several_tasks_use_are_no_task() -> None:
    proposal = propose_for({"text": "T", "target": "A"})  # to correct, or to summarize
    assert proposal.base is None
    assert proposal.values["target_field"] == "target"


def test_other_rows_get_a_task_and_a_template_of_their_own() -> None:
    proposal = propose_for(
        {"id": 1, "Ticket text": "It broke.", "hint": "", "team": "IT", "url": "u", "tags": ["a"]},
        {"id": 2, "Ticket text": "It fell.", "hint": "b", "team": "HR", "url": "u", "tags": []},
    )
    assert proposal.values == {
        "templates": ["mine/plain"],
        "fields": {
            "id": "id",
            "ticket_text": "Ticket text",
            "hint": {"path": "hint", "optional": True},
            "team": "team",
        },
        "source_field": "ticket_text",
        "target_field": "team",
    }
    assert proposal.template is not None
    template = parse_template("mine/plain", proposal.template)
    assert template.target_fields == {"team"}
    prompt = template.render_block("prompt", {"ticket_text": "It broke.", "hint": "", "team": "IT"})
    assert prompt == "Ticket text:\nIt broke.\n\nTeam:\n"


def test_a_column_with_a_name_of_a_target_is_the_target_wherever_it_stands() -> None:
    assert propose_for({"answer": "A", "background": "B"}).values["target_field"] == "answer"
    assert propose_for({"one": "A", "two": "B"}).values["target_field"] == "two"


def test_numbers_are_meant_as_text_and_names_become_variables() -> None:
    fields = propose_for({"2nd part": "A", "for": "B", "for ": "C", "label": 1}).values["fields"]
    assert fields == {
        "field_2nd_part": "2nd part",
        "field_for": "for",
        "field_for_2": "for ",
        "label": {"path": "label", "type": "text"},
    }


def test_a_column_with_a_dot_in_its_name_is_read_by_a_path_in_quotation_marks() -> None:
    fields = propose_for({"ticket.body": "It broke.", "team": "IT"}).values["fields"]
    assert fields == {"ticket_body": '"ticket.body"', "team": "team"}


@pytest.mark.parametrize(
    "row", [{"text": "T"}, {"a": ["x"], "b": {"c": 1}}, {"id": "1", "url": "u"}]
)
def test_rows_without_two_texts_are_an_error(row: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="an example needs two texts"):
        propose_for(row)


def test_a_task_that_is_named_takes_the_columns_that_are_nearest() -> None:
    proposal = propose_for({"body": "B", "tldr_text": "H"}, task="summarize")
    assert proposal.values == {"fields": {"article": "body", "summary": "tldr_text"}}


def test_a_column_that_only_counts_the_rows_is_left_out_and_named() -> None:
    rows = [{"no": str(n), "body": f"Text {n}", "headline": "H"} for n in range(1, 6)]
    proposal = propose_for(*rows)
    assert proposal.values["fields"] == {"body": "body", "headline": "headline"}
    assert "; no only counts the rows and is left out" in proposal.sees
    # Labels may count up by chance, and a target is never left out.
    few = propose_for(*rows[:4]).values["fields"]
    assert "no" in few
    labels = [{"body": f"Text {n}", "label": n} for n in range(5)]
    assert propose_for(*labels).values["target_field"] == "label"


def test_the_longest_input_is_the_one_that_may_be_cut_and_that_checks_compare() -> None:
    proposal = propose_for(
        {"title": "T", "long_text": "A much longer text.", "note": "", "team": "IT"}
    )
    assert proposal.values["source_field"] == "long_text"
    assert proposal.template is not None
    assert parse_template("mine/plain", proposal.template).shorten == "long_text"
