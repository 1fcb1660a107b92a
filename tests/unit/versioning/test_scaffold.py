"""New working copies: one made of a bundled template continues its releases."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.releases import ID, SOURCE, error_rules, release_edits, render_prompt, write_source

from sftdata.base import content
from sftdata.errors import SpecError, TemplateError
from sftdata.versioning.release import release
from sftdata.versioning.releases import load_template
from sftdata.versioning.scaffold import new_template


def test_a_copy_of_a_bundled_template_goes_on_from_the_bundled_releases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_edits()
    Path("bundle").mkdir()
    Path("templates").rename("bundle/templates")
    monkeypatch.setattr(content, "bundled_root", lambda: tmp_path / "bundle")
    assert load_template(ID).label == f"{ID}@1.0.0"
    new_template(ID, ID)
    assert load_template(ID).is_draft  # the user's own copy comes first
    assert not release(ID).is_new
    write_source(SOURCE.replace("Article", "Text"))
    assert release(ID).release.version == "1.1.0"
    assert render_prompt(ID) == "Text:\nA\n"
    assert render_prompt(f"{ID}@1.0.0") == "Article:\nA\n"
    assert error_rules() == set()


SPEC = """
task = "labels"
data = ["rows.jsonl"]
tokenizer = "tokenizers/small"
{more}
[fields]
id = "id"
text = "text"
hint = {{ path = "hint", optional = true }}
label = "label"
"""


def write_spec(path: str, more: str = 'template = "labels/plain"') -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(SPEC.format(more=more))


@pytest.mark.parametrize("path", ["pipelines/labels.toml", "pipelines/other.toml", "mine.toml"])
@pytest.mark.parametrize("more", ['template = "labels/plain"', ""])
def test_a_first_template_is_made_of_the_fields_of_an_own_spec(path: str, more: str) -> None:
    write_spec(path, more)
    new_template("labels/plain")
    template = load_template("labels/plain")
    assert template.fields == {"text", "hint", "label"}
    assert template.target_fields == {"label"}  # the last of the fields
    assert template.render_block("prompt", {"text": "A", "hint": ""}) == "Text:\nA\n\nLabel:\n"
    with_hint = template.render_block("prompt", {"text": "A", "hint": "B"})
    assert with_hint == "Text:\nA\n\nHint:\nB\n\nLabel:\n"


def test_the_target_is_the_one_that_the_spec_names() -> None:
    write_spec("pipelines/labels.toml", 'target_field = "text"')
    new_template("labels/plain")
    assert load_template("labels/plain").target_fields == {"text"}


def test_a_spec_may_be_given() -> None:
    write_spec("mine.toml")
    new_template("other/plain", spec=Path("mine.toml"))
    assert "label" in load_template("other/plain").target_fields


def test_a_task_without_a_spec_is_an_error_that_says_how_to_give_one() -> None:
    with pytest.raises(
        SpecError, match=r"No spec names the fields of the task 'nope'(?s:.*)--spec"
    ):
        new_template("nope/plain")
    with pytest.raises(SpecError, match="no fields that a template could show"):
        new_template("chat/plain", spec=content.find_content("pipelines", "chat.toml"))


def test_a_template_of_a_new_task_that_is_not_there_yet_comes_with_the_way_to_write_it() -> None:
    with pytest.raises(TemplateError, match="Or write it: sftdata template new labels/plain"):
        load_template("labels/plain")
    with pytest.raises(TemplateError, match=r"Did you mean 'summarize/article'\?$"):
        load_template("summarize/artcle")
