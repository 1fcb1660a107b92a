"""Templates: the rules of the format, each with the message a writer of one sees."""

from __future__ import annotations

import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from sftdata.errors import TemplateError
from sftdata.rendering.render import render_batch, render_row
from sftdata.rendering.template import Template, parse_template
from sftdata.versioning.releases import load_template

TARGET = "{% block target %}\n{{ summary }}\n{%- endblock %}"
PROMPT = "{% block prompt %}\n{{ article }}\n{% endblock %}\n"


def parse(source: str, root: Path | None = None) -> Template:
    return parse_template("news/short", source, root=root)


def with_prompt(text: str) -> str:
    return f"{{% block prompt %}}\n{text}\n{{% endblock %}}\n{TARGET}"


def batch(**columns: list[str]) -> pa.RecordBatch:
    arrays = {name: pa.array(values, pa.large_string()) for name, values in columns.items()}
    return pa.RecordBatch.from_pydict(arrays)


def test_a_template_knows_its_blocks_fields_and_metadata() -> None:
    template = parse(
        '{#\ndescription = "Short news."\nshorten = "article"\n#}\n'
        "{% block system %}\nBe {{ manner }}.\n\n{% endblock %}\n" + PROMPT + TARGET
    )
    assert template.label == "news/short@draft"
    assert template.is_draft
    assert template.description == "Short news."
    assert template.shorten == "article"
    assert list(template.blocks) == ["system", "prompt", "target"]
    assert template.fields == {"manner", "article", "summary"}
    assert template.target_fields == {"summary"}


def test_fields_in_branches_loops_and_filters_are_required_and_loop_variables_are_not() -> None:
    text = "{% if a %}{{ b|upper }}{% else %}{% for x in c %}{{ x }}{% endfor %}{% endif %}"
    assert parse(with_prompt(text)).blocks["prompt"].fields == {"a", "b", "c"}


def test_the_system_block_stands_at_the_head_of_the_prompt() -> None:
    template = parse("{% block system %}\nBe brief.\n\n{% endblock %}\n" + PROMPT + TARGET)
    assert render_row(template, {"article": "A", "summary": "S"}) == ("Be brief.\n\nA\n", "S")


RULES = {
    "no prompt": (TARGET, "has no block 'prompt'", "{% block prompt %}"),
    "no target": (PROMPT, "has no block 'target'", "{% block target %}"),
    "text outside": (
        PROMPT + "stray\n" + TARGET,
        "line 4: something stands outside the blocks system, prompt, target",
        "Move it into a block.",
    ),
    "another block": (
        PROMPT + TARGET + "\n{% block extra %}{% endblock %}",
        "line 7: something stands outside the blocks",
        "Move it into a block.",
    ),
    "a statement outside": (
        "{% set x = 1 %}" + PROMPT + TARGET,
        "line 1: something stands outside the blocks",
        "Move it into a block.",
    ),
    "metadata that is prose": (
        "{# Short news. #}\n" + PROMPT + TARGET,
        "its first comment is not TOML",
        'key = "value"',
    ),
    "no newline at the end of the prompt": (
        "{% block prompt %}\n{{ article }}{% endblock %}\n" + TARGET,
        "the prompt must end with exactly one newline",
        "{% endblock %} on a line of its own",
    ),
    "two newlines at the end of the prompt": (
        with_prompt("{{ article }}\n"),
        "the prompt must end with exactly one newline",
        "{% endblock %} on a line of its own",
    ),
    "a space at the end of a prompt with a filter": (
        "{% block prompt %}\n{{ article|upper }} {% endblock %}\n" + TARGET,
        "the prompt must end with exactly one newline",
        "{% endblock %} on a line of its own",
    ),
    "a target that starts with a space": (
        PROMPT + "{% block target %} {{ summary }}{% endblock %}",
        "the target starts with white space",
        "visible character",
    ),
    "a target with a filter that starts with a space": (
        PROMPT + "{% block target %} {{ summary|upper }}{% endblock %}",
        "the target starts with white space",
        "visible character",
    ),
    "a seam of another kind": (
        '{# seam = "none" #}\n' + PROMPT + TARGET,
        "seam = \"none\"; it can only be 'any'",
        "exactly one newline",
    ),
    "shorten is no field": (
        '{# shorten = "artikel" #}\n' + PROMPT + TARGET,
        'shorten = "artikel", which is not a field of the prompt alone',
        "The prompt reads: article.",
    ),
    "shorten is in the target": (
        '{# shorten = "summary" #}\n' + with_prompt("{{ article }} {{ summary }}"),
        'shorten = "summary", which is not a field of the prompt alone',
        "The prompt reads: article, summary.",
    ),
    "shorten is a list": (
        '{# shorten = ["article"] #}\n' + PROMPT + TARGET,
        "shorten = ",
        "The prompt reads: article.",
    ),
    "a syntax error": (
        with_prompt("Text\n{% if %}\n{% endif %}"),
        "line 3: Expected an expression",
        "",
    ),
    "an unclosed field": (with_prompt("{{ article"), "line 3: ", ""),
    "an unknown filter": (
        with_prompt("{{ article|shout }}"),
        "line 2: No filter named 'shout'",
        "",
    ),
    "an unknown test": (
        with_prompt("{{ article is loud }}"),
        "line 2: No test named 'loud'",
        "",
    ),
    "a block that stands twice": (PROMPT + PROMPT + TARGET, "block 'prompt' defined twice", ""),
    "an include that does not exist": (
        with_prompt("{% include 'nowhere.txt' %}"),
        "nowhere.txt",
        "",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_an_error_that_says_where_and_what_to_do(
    rule: str, tmp_path: Path
) -> None:
    source, fault, hint = RULES[rule]
    with pytest.raises(TemplateError) as caught:
        parse(source, root=tmp_path)
    message = str(caught.value)
    assert message.startswith("Template 'news/short'")
    assert fault in message
    assert hint in message


@pytest.mark.parametrize("body", ["{{ x|upper }}", "{{ [x]|tojson }}"])
def test_a_template_that_has_rendered_travels_to_another_process(body: str) -> None:
    source = f"{{% block prompt %}}{body}.\n{{% endblock %}}{{% block target %}}a{{% endblock %}}"
    template = parse_template("t/t", source)
    text = template.render_block("prompt", {"x": "y"})
    sent: Template = pickle.loads(pickle.dumps(template))
    assert sent == template
    assert sent.render_block("prompt", {"x": "y"}) == text


def test_a_field_the_row_does_not_have_is_an_error_with_the_row() -> None:
    template = parse(with_prompt("{{ meta.heading }}"))
    rows = batch(row_id=["r1", "r2"], meta=["a", "b"], summary=["s", "s"])
    with pytest.raises(TemplateError, match=r"(?s)no attribute 'heading'.*Row 'r1'"):
        render_batch(rows, template)


@pytest.mark.parametrize(
    "text",
    [
        "{{ article.encode('no such') }}",
        "{{ article|truncate(2) }}",
        "{{ article.index('z') }}",
        "{{ 1 / (article|length - 1) }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    ],
)
def test_whatever_fails_in_a_template_is_an_error_with_the_row(text: str) -> None:
    template = parse(with_prompt(text))
    with pytest.raises(TemplateError, match="Row 'r7'"):
        render_batch(batch(row_id=["r7"], article=["a"], summary=["s"]), template)


@pytest.mark.parametrize("name", ["range", "dict", "namespace", "cycler", "joiner"])
def test_a_field_may_be_called_like_a_function_of_jinja(name: str) -> None:
    template = parse(with_prompt(f"{{{{ {name} }}}}"))
    assert template.fields == {name, "summary"}
    rendered = render_batch(batch(row_id=["r"], summary=["s"], **{name: ["text"]}), template)
    assert rendered.prompt.to_pylist() == ["text\n"]


def test_an_included_file_gives_its_text_its_fields_and_its_part_of_the_digest(
    tmp_path: Path,
) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "head.txt").write_text("By {{ author }}")
    source = with_prompt("{% include 'parts/head.txt' %}: {{ article }}")
    template = parse(source, root=tmp_path)
    assert template.fields == {"author", "article", "summary"}
    row = {"author": "A", "article": "text", "summary": "s"}
    assert render_row(template, row) == ("By A: text\n", "s")
    digest = template.source_sha256
    assert digest == parse(source, root=tmp_path).source_sha256
    (tmp_path / "parts" / "head.txt").write_text("Of {{ author }}")
    assert digest != parse(source, root=tmp_path).source_sha256


def test_fields_of_a_file_included_by_an_included_file_are_required(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("{% include 'two.txt' %}")
    (tmp_path / "two.txt").write_text("{{ author }}")
    template = parse(with_prompt("{% include 'one.txt' %}"), root=tmp_path)
    assert template.fields == {"author", "summary"}


def test_an_include_whose_name_is_computed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="includes a file whose name is computed"):
        parse(with_prompt("{% include article %}"), root=tmp_path)


def test_a_template_in_the_working_folder_comes_before_the_bundled_one(tmp_path: Path) -> None:
    bundled = load_template("summarize/article")
    folder = tmp_path / "templates" / "summarize"
    folder.mkdir(parents=True)
    (folder / "article.jinja").write_text(with_prompt("Mine: {{ article }}"))
    mine = load_template("summarize/article")
    assert mine.source_sha256 != bundled.source_sha256
    assert mine.root == tmp_path / "templates"


def test_an_unknown_template_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(TemplateError, match="Did you mean 'summarize/article'"):
        load_template("summarize/artikle")


def test_a_file_that_is_not_utf8_is_an_error_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "templates" / "news").mkdir(parents=True)
    (tmp_path / "templates" / "news" / "bad.jinja").write_bytes(b"{# #}\xff")
    with pytest.raises(TemplateError, match=r"bad\.jinja: not UTF-8 at byte 5"):
        load_template("news/bad")


def test_with_any_seam_prompt_and_target_stay_as_they_are() -> None:
    source = (
        '{# seam = "any" #}\n{% block prompt %}{{ a }}{% endblock %}'
        "{% block target %} {{ b }} {% endblock %}"
    )
    template = parse_template("made/plain", source)
    row = {"a": "ends with a space ", "b": "x"}
    assert template.has_any_seam
    assert render_row(template, row) == ("ends with a space ", " x ")


def test_a_constant_that_jinja_finds_undefined_is_one_fault_of_the_template() -> None:
    with pytest.raises(TemplateError, match="cannot be compiled: str object has no element 5"):
        parse(with_prompt("{{ 'x'[5] and 1 }}{{ article }}"))


def test_a_number_past_the_largest_is_a_fault_of_the_block() -> None:
    template = parse(with_prompt("{{ 1e400 }}{{ article }}"))
    with pytest.raises(TemplateError, match="the prompt block fails: name 'inf' is not defined"):
        template.render_block("prompt", {"article": "A", "summary": "S"})
