"""The sandbox of chat templates: what it gives them, and what stays out of reach."""

from __future__ import annotations

import jinja2
import pytest

from sftdata.tokenizing.chat.environment import compile_chat_template


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
