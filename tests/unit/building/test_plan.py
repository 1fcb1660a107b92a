"""Plans: what changes the name of a build, what does not, and what is refused early."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.forty_rows import rows, write_rows, write_spec

from sftdata.building.plan import Plan, make_plan
from sftdata.errors import SftdataError
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec


@pytest.fixture
def plan(byte_tokenizer: Path) -> Plan:
    write_rows(rows())
    return make_plan(write_spec(byte_tokenizer))


def planned(**options: object) -> Plan:
    spec = load_spec(file=Path("spec.toml"), **options)
    assert isinstance(spec, Spec)
    return make_plan(spec)


def test_the_same_content_elsewhere_has_the_same_name(plan: Plan) -> None:
    Path("elsewhere.jsonl").write_bytes(Path("rows.jsonl").read_bytes())
    assert planned(data=["elsewhere.jsonl"]).build == plan.build


@pytest.mark.parametrize("option", [{"seed": 1}, {"max_length": 99}, {"split": {"train": 1.0}}])
def test_an_option_changes_the_name_and_every_block(option: dict[str, object], plan: Plan) -> None:
    other = planned(**option)
    assert other.build != plan.build
    assert set(other.block_keys).isdisjoint(plan.block_keys)


def test_how_many_rows_may_go_changes_the_name_and_no_block(plan: Plan) -> None:
    other = planned(max_dropped=5.0)
    assert other.build != plan.build
    assert other.block_keys == plan.block_keys


def test_changed_rows_change_the_name_and_no_key(plan: Plan) -> None:
    before = plan.build
    write_rows(rows(41))
    other = planned()
    assert other.build != before
    assert other.block_keys == plan.block_keys


def test_a_template_that_needs_another_field_is_refused(byte_tokenizer: Path) -> None:
    write_rows(rows())
    write_spec(byte_tokenizer)
    with pytest.raises(SftdataError, match="needs the fields 'answer', 'context', 'question'"):
        planned(templates=["qa/plain"])


@pytest.mark.parametrize(("option", "is_told"), [({}, True), ({"chat": False}, False)])
def test_a_chat_template_that_stays_unused_is_named_unless_the_spec_means_it(
    option: dict[str, object], is_told: bool, byte_tokenizer: Path
) -> None:
    shutil.copytree(byte_tokenizer, "chatty")
    Path("chatty/chat_template.jinja").write_text(
        "{% for turn in messages %}<eos>{{ turn.content }}<eos>{% endfor %}"
    )
    write_rows(rows())
    write_spec(Path("chatty"))
    told = [note for note in planned(**option).notes if "chat template is not used" in note]
    assert bool(told) == is_told
