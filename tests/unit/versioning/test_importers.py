"""Imported templates: what a collection's own renderer gives, ours gives; what is left out is said."""

# ruff: noqa: E501 - YAML as its collection writes it

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from sftdata.errors import SftdataError
from sftdata.versioning.importers import import_templates
from sftdata.versioning.releases import load_template

YAML = """\
dataset: news
subset: small
templates:
  0001: !Template
    answer_choices: World ||| Sports
    id: '0001'
    jinja: "{{text}}\\n{% if title %}\\nTitle: {{title}}\\n  {% endif %}\\nIs it {{\\"sports\\"}}? |||\\n{{answer_choices[label]}}"
    metadata: !TemplateMetadata
      choices_in_prompt: true
      languages: [en]
      metrics: [Accuracy]
      original_task: true
    name: Which Section?
    reference: 'A paper.'
  0002: !Template
    answer_choices: null
    id: '0002'
    jinja: "{{ choice(['a', 'b']) }} {{text}} ||| {{label}}"
    metadata: !TemplateMetadata {}
    name: random
    reference: ''
  0003: !Template
    id: '0003'
    jinja: "only a prompt {{text}}"
    metadata: !TemplateMetadata {}
    name: no target
  0004: !Template
    id: '0004'
    jinja: "{{text|no_such_filter}} ||| {{label}}"
    metadata: !TemplateMetadata {}
    name: odd filter
"""
FLAN = '''\
"""Patterns."""
import os
PATTERNS = {
    "rte": [
        ("{premise}\\n\\nCan we say \\"{hypothesis}\\"? "
         "{options_}", "{answer}"),
        ("Braces {{stay}} {premise}", "{answer}\\n"),
        ("{premise.text}", "{answer}"),
    ],
    "made": [(os.getcwd(), "{answer}")],
}
'''


def write(name: str, text: str) -> Path:
    Path(name).write_text(text)
    return Path(name)


def test_promptsource_renders_as_it_does_there() -> None:
    imported = import_templates("promptsource", write("t.yaml", YAML))
    assert list(imported.written) == ["news_small/which-section"]
    template = load_template("news_small/which-section")
    there = jinja2.Environment().from_string(
        '{{text}}\n{% if title %}\nTitle: {{title}}\n  {% endif %}\nIs it {{"sports"}}?'
    )
    for title in ("", "T"):
        row = {"text": "Some text.", "title": title, "label": "1"}
        assert template.render_block("prompt", row) == there.render(row).strip() + "\n"
        assert template.render_block("target", row) == "Sports"
    assert template.metadata["source"] == "promptsource:news_small/0001"
    assert template.metadata["license"] == "Apache-2.0"
    assert template.metadata["language"] == "en"


def test_promptsource_says_what_is_left_out() -> None:
    imported = import_templates("promptsource", write("t.yaml", YAML))
    left_out = {(item.template, item.what.split(":")[0]) for item in imported.left_out}
    assert left_out == {
        ("Which Section?", "its metrics"),
        ("Which Section?", "its reference"),
        ("random", "it draws at random or counts rows with 'choice'"),
        ("no target", "it has 1 parts between '|||', not a prompt and a target"),
        ("odd filter", "Template 'news_small/odd-filter', line 7"),
    }


def test_flan_patterns_render_like_format_strings_and_their_file_is_not_run() -> None:
    imported = import_templates("flan", write("templates.py", FLAN), task="nli")
    assert list(imported.written) == ["nli/rte-01", "nli/rte-02"]
    row = {"premise": "P.", "hypothesis": "H", "options_": "- yes", "answer": "yes"}
    first = load_template("nli/rte-01")
    assert first.render_block("prompt", row) == 'P.\n\nCan we say "H"? - yes\n'
    assert first.render_block("target", row) == "yes"
    assert load_template("nli/rte-02").render_block("prompt", row) == "Braces {stay} P.\n"
    assert first.metadata["source"] == "flan:rte[0]"
    assert {item.template for item in imported.left_out} == {"rte[0]", "rte[2]", "made"}


def test_what_is_there_is_not_overwritten() -> None:
    write("templates.py", FLAN)
    import_templates("flan", Path("templates.py"), task="nli")
    again = import_templates("flan", Path("templates.py"), task="nli")
    assert not again.written
    assert "is there already" in " ".join(item.what for item in again.left_out)


@pytest.mark.parametrize("collection", ["promptsource", "flan"])
@pytest.mark.parametrize("text", ["", "a: [", "!!python/object/apply:os.getcwd []", "x = 1"])
def test_a_file_that_is_not_of_the_collection_is_an_error(collection: str, text: str) -> None:
    with pytest.raises(SftdataError):
        import_templates(collection, write("file", text))  # type: ignore[arg-type]


def test_the_fields_have_the_types_that_the_templates_expect() -> None:
    Path("labels.yaml").write_text(
        "dataset: made\ntemplates:\n"
        "  a: !Template {id: a, name: one, jinja: '{{ text }} ||| {{ 1 if label == 0 else 2 }}'}\n"
        "  b: !Template {id: b, name: two, jinja: '{{ text }} ||| {{ score > 0.5 }} {{ label }}'}\n"
    )
    imported = import_templates("promptsource", Path("labels.yaml"), "made")
    assert imported.fields == {"text": "text", "label": "int", "score": "float"}
    assert imported.spec_fields == (
        "[fields]\n"
        'label = { path = "label", type = "int" }\n'
        'score = { path = "score", type = "float" }\n'
        'text = "text"'
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "dataset: " + "[" * 9999),
        ("a.yaml", "dataset: 2026-99-99\ntemplates: {}"),
        ("a.yaml", 'dataset: d\ntemplates: {x: !!int ""}'),
        ("a.yaml", 'dataset: d\ntemplates: {x: !!float ""}'),
        ("a.yaml", "dataset: d\ntemplates: {x: " + ":".join("1" * 300) + ".5}"),
        ("a.yaml", "a: &a {x: 1}\nb: &b {<<: [*a, *a]}\ndataset: d\ntemplates: {<<: [*b, *b]}"),
        ("a.py", "PATTERNS = " + "-" * 100_000 + "1"),
        ("a.py", "PATTERNS = 1" + "+1" * 30_000),
        ("a.py", "PATTERNS = " + "[" * 5000),
        ("a.json", "[" * 99_999),
    ],
)
def test_a_file_that_cannot_be_parsed_is_refused(name: str, text: str) -> None:
    Path(name).write_text(text)
    with pytest.raises(SftdataError, match=name) as caught:
        import_templates("promptsource" if name == "a.yaml" else "flan", Path(name))
    assert caught.value.code == "E503"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "dataset: d\ntemplates: {x: 3}"),
        ("a.yaml", "dataset: d\ntemplates: {x: {jinja: [a], metadata: 3}}"),
        ("a.yaml", "dataset: d\ntemplates: {x: {name: 0x" + "f" * 5000 + ", jinja: a}}"),
        ("a.json", '{"rte": false}'),
        ("a.json", '{"rte": [false, ["a"], {"x": 1}]}'),
        ("a.json", '{"rte": [["\\ud800 {a}", "{b}"]]}'),
        ("a.py", 'PATTERNS = {"rte": {[]: 1}}'),
    ],
)
def test_parts_of_another_shape_are_left_out(name: str, text: str) -> None:
    Path(name).write_text(text)
    imported = import_templates("promptsource" if name == "a.yaml" else "flan", Path(name))
    assert imported.written == {}
    assert imported.left_out


def test_keys_of_another_shape_do_not_end_the_import() -> None:
    Path("a.yaml").write_text(
        "dataset: d\ntemplates:\n  x: {name: n, jinja: '{{a}} ||| {{b}}', answer_choices: 3,\n"
        "    metadata: {languages: [1, en], metrics: BLEU}}\n"
        f"  y: {{name: {'long ' * 200}, jinja: '{{{{a}}}} ||| {{{{b}}}}'}}\n"
    )
    imported = import_templates("promptsource", Path("a.yaml"))
    assert list(imported.written) == ["d/n", "d/" + "long-" * 20]
    assert [part.what for part in imported.left_out] == ["its metrics: BLEU"]
