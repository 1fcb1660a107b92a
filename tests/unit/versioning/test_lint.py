"""Lint: a text that is compared with a number, and a field that the spec does not map."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.rendering.template import parse_template
from sftdata.versioning.lint import lint

SPEC = """
task = "nli"
data = ["nli.csv"]
template = "nli/label"
tokenizer = "tokenizers/small"
[fields]
text = "text"
label = {label}
"""


def find_levels() -> list[str]:
    """The levels of the findings about the comparison."""
    template = parse_template(
        "nli/label",
        "{% block prompt %}\n{{ text }}\n{% endblock %}\n"
        "{% block target %}\n{{ 'yes' if label == 0 else 'no' }}\n{%- endblock %}\n",
    )
    return [f.level for f in lint(template) if f.rule == "LINT_TEXT_AS_NUMBER"]


@pytest.mark.parametrize(
    ("label", "levels"),
    [('"label"', ["error"]), ('{ path = "label", type = "int" }', [])],
)
def test_a_text_that_is_compared_with_a_number_is_an_error(label: str, levels: list[str]) -> None:
    Path("pipelines").mkdir()
    Path("pipelines/nli.toml").write_text(SPEC.format(label=label))
    assert find_levels() == levels


def test_without_a_spec_nobody_knows_the_type() -> None:
    assert find_levels() == ["warning"]


def test_a_field_that_the_spec_does_not_map_is_a_warning_that_says_how() -> None:
    Path("pipelines").mkdir()
    Path("pipelines/nli.toml").write_text(SPEC.format(label='"label"'))
    template = parse_template(
        "nli/titled",
        "{% block prompt %}\n{{ title }}\n{{ text }}\n{% endblock %}\n"
        "{% block target %}\n{{ label }}\n{%- endblock %}\n",
    )
    (found,) = [f for f in lint(template) if f.rule == "LINT_UNDECLARED_FIELD"]
    assert (found.level, found.where) == ("warning", "prompt")
    assert found.message == "the spec of its task does not map the field 'title'"
    assert found.hint.endswith("Else map it: in [fields], or --map title")
