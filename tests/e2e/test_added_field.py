"""A template that gains a field: a warning, a MAJOR release, and a build that says to map it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from sftdata.cli import cli
from sftdata.errors import TemplateError

TEMPLATE = """{#
description = "News."
#}
{% block prompt %}
ADDED{{ article }}
{% endblock %}
{% block target %}
{{ summary }}
{%- endblock %}
"""
SPEC = """
task = "news"
data = ["../rows.jsonl"]
templates = ["news/plain"]
tokenizer = "tokenizers/small"
[fields]
article = "article"
summary = "summary"
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_a_field_that_is_added_is_released_as_major_and_mapped_by_its_name() -> None:
    for folder in ("pipelines", "templates/news"):
        Path(folder).mkdir(parents=True)
    rows = [{"article": f"Text {i}.", "summary": f"S{i}", "title": f"T{i}"} for i in range(10)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("pipelines/news.toml").write_text(SPEC)
    Path("templates/news/plain.jinja").write_text(TEMPLATE.replace("ADDED", ""))
    assert run("template", "release", "news/plain").exit_code == 0

    Path("templates/news/plain.jinja").write_text(TEMPLATE.replace("ADDED", "{{ title }}\n"))
    linted = run("template", "lint")
    assert (linted.exit_code, "warning: LINT_UNDECLARED_FIELD" in linted.output) == (0, True)
    released = run("template", "release", "news/plain").output
    assert "news/plain@2.0.0 (MAJOR after 1.0.0)" in released
    assert "INPUT_ADDED" in released

    refused = run("build", "--task", "news").exception
    assert isinstance(refused, TemplateError)
    assert "needs the field 'title'" in str(refused)
    assert "--map title; of another name: --map title=COLUMN" in str(refused)
    built = run("build", "--task", "news", "--map", "title", "--dry-run")
    assert "10 become examples" in built.output
    assert "Not read" not in built.output  # as 'title' would be if nothing read it
