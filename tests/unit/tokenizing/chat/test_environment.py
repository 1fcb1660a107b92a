"""The sandbox of chat templates: what it gives them, and what stays out of reach."""

from __future__ import annotations

import re
from collections.abc import Iterator

import jinja2
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sftdata.base.limits.budget import limited_by_length
from sftdata.tokenizing.chat.environment import chat_environment, compile_chat_template


@pytest.fixture(autouse=True)
def within_a_budget() -> Iterator[None]:
    with limited_by_length(""):
        yield


def test_a_generation_mark_has_no_text_and_json_keeps_every_letter() -> None:
    source = "{% generation %}{{ x | tojson }}{% endgeneration %}"
    assert compile_chat_template(source).render(x={"é": "<b>"}) == '{"é": "<b>"}'


def test_a_template_refuses_a_conversation_with_its_own_words() -> None:
    with pytest.raises(jinja2.TemplateError, match="roles must alternate"):
        compile_chat_template("{{ raise_exception('roles must alternate') }}").render()


@pytest.mark.parametrize("source", ["{{ ''.__class__.mro() }}", "{% include 'f' %}"])
def test_a_template_reaches_nothing_outside(source: str) -> None:
    with pytest.raises((jinja2.exceptions.SecurityError, TypeError)):
        compile_chat_template(source).render()


@pytest.mark.parametrize(
    "expression",
    [
        "x.role",
        "x.items",
        "x.items()|list",
        "x.gone is defined",
        "x.gone|default('d')",
        "x.keys",
        "x.update(a=1)",
        "x.__class__",
        "x.content.upper()",
        "x.content.format(1)",
        "y.append(1)",
        "x.gone.deeper",
        "'%s' % x.pop",
        "y.0",
        "y.count(1)",
        "x.content.__len__()",
    ],
)
def test_the_shortcuts_of_the_sandbox_change_nothing(expression: str) -> None:
    def outcome(environment: jinja2.Environment) -> str:
        values = {"x": {"role": "r", "items": 1, "content": "{0.real}"}, "y": [1]}
        try:
            return environment.from_string("{{ " + expression + " }}").render(values)
        except Exception as error:  # a template can raise anything
            return f"{type(error).__name__}: {error}"

    for _ in range(2):  # once more, when what is safe is known
        expected = outcome(ImmutableSandboxedEnvironment())
        assert re.sub("0x[0-9a-f]+", "", outcome(chat_environment())) == re.sub(
            "0x[0-9a-f]+", "", expected
        )


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "[" * 90 + "]" * 90 + " }}",
        "{{ " + "not " * 3000 + "1 }}",
        "{{ x" + "|trim" * 3000 + " }}",
        "{% if x %}" * 3000 + "{% endif %}" * 3000,
        "{% for x in y %}" * 30 + "{% endfor %}" * 30,
        "{{ " + "9" * 5000 + " }}",
    ],
    ids=["brackets", "lists", "not", "filters", "ifs", "loops", "digits"],
)
def test_a_source_that_python_does_not_compile_is_a_syntax_error(source: str) -> None:
    with pytest.raises(jinja2.TemplateSyntaxError):
        compile_chat_template(source)
