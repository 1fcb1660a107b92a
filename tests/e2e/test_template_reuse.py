"""Releases and reuse: what a new version of a template redoes, and what it leaves alone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from support.forked.shared import data_python

from sftdata import Outcome, build, load
from sftdata.inspecting.verify import find_faults

SOURCE = """{{#
description = "A test template."
#}}
{{% block prompt %}}
{word} {{{{ article }}}}
{{% endblock %}}
{{% block target %}}
{{{{ summary }}}}
{{%- endblock %}}
"""
SPEC = """
task = "t"
data = ["rows.jsonl"]
templates = ["t/first", "t/second"]
tokenizer = "{tokenizer}"
[fields]
id = "id"
article = "article"
summary = "summary"
"""


def release(name: str, source: str) -> None:
    Path("templates/t").mkdir(parents=True, exist_ok=True)
    Path(f"templates/t/{name}.jinja").write_text(source)
    data_python().run("sftdata", "template", "release", f"t/{name}").check_returncode()


@pytest.fixture
def first(byte_tokenizer: Path) -> Outcome:
    """Both templates at 1.0.0, and a dataset built with them."""
    rows = [{"id": f"{i}", "article": f"Text {i}.", "summary": f"S{i}"} for i in range(2000)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("spec.toml").write_text(SPEC.format(tokenizer=byte_tokenizer))
    release("first", SOURCE.format(word="Shorten:"))
    release("second", SOURCE.format(word="Sum up:"))
    return build(spec="spec.toml", out="out")


def labels() -> Counter[str]:
    return Counter(row.template for split in load("out").values() for row in split)


def test_each_row_gets_one_template_and_says_which(first: Outcome) -> None:
    counts = labels()
    assert set(counts) == {"t/first@1.0.0", "t/second@1.0.0"}
    assert 900 < counts["t/first@1.0.0"] < 1100
    by_template = first.manifest["stats"]["by_template"]
    assert {name: numbers["rows"] for name, numbers in by_template.items()} == counts
    assert first.manifest["draft"] is False


def test_a_release_that_changes_no_token_redoes_no_block(first: Outcome) -> None:
    release("first", SOURCE.format(word="Shorten:").replace("A test", "Another"))
    again = build(spec="spec.toml", out="out")
    assert not again.up_to_date
    assert again.reused_rows == 2000
    assert set(labels()) == {"t/first@1.0.1", "t/second@1.0.0"}
    assert again.manifest.content == build(spec="spec.toml", out="fresh").manifest.content
    assert find_faults(Path("out"), deep=True) == []


def test_a_change_of_words_redoes_the_rows_of_that_template(first: Outcome) -> None:
    other = labels()["t/second@1.0.0"]
    release("first", SOURCE.format(word="Shorten this:"))
    again = build(spec="spec.toml", out="out")
    assert again.reused_rows == other
    assert set(labels()) == {"t/first@1.1.0", "t/second@1.0.0"}
    assert again.manifest.content == build(spec="spec.toml", out="fresh").manifest.content


def test_a_weight_moves_rows_from_one_template_to_the_other(
    first: Outcome, byte_tokenizer: Path
) -> None:
    text = SPEC.replace('"t/second"]', '{{id = "t/second", weight = 3}}]')
    Path("spec.toml").write_text(text.format(tokenizer=byte_tokenizer))
    build(spec="spec.toml", out="out")
    assert 1400 < labels()["t/second@1.0.0"] < 1600
