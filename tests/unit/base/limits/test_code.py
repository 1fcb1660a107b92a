"""The code of metered templates: prices stand in it, and templates render as without them."""

# ruff: noqa: E501 - a template reads best on one line

from __future__ import annotations

from typing import Any

import pytest

from sftdata.base.limits.budget import BudgetError, limited
from sftdata.base.limits.sandbox import render_counted
from sftdata.tokenizing.chat.environment import chat_environment

MESSAGE = {"role": "user", "items": "of a dict", "held": "1", "content": "two"}


def render(source: str, **values: Any) -> str:
    with limited({}):
        return render_counted(chat_environment().from_string(source), values)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% for m in ms %}{{ loop.index0 - 1 }}{{ loop.first }}{{ m.role }}{% endfor %}", "-1Trueuser"),
        ("{{ ms[0].missing is defined }} {{ ms[0].role.upper() }}", "False USER"),
        ("{% set held = 5 %}{{ ms[0].held + '1' }}{{ held - 1 }}{{ 1 + held }}", "1146"),
        ("{{ 3 > (2 - 1 if 1 > 0 else 9) }} {{ [1, 2] }} {{ none }}", "True [1, 2] None"),
        ("{{ 'a' ~ 1 > 'a' ~ 0 }} {{ 1.5 - 1 }} {{ loop }}", "True 0.5 "),
        ("{% macro f(m) %}{{ m.role }}{{ m.content|tojson }}{% endmacro %}{{ f(ms[0]) }}", 'user"two"'),
        ("{{ {'a': [1, {'b': 'c'}]}|tojson }}", '{"a": [1, {"b": "c"}]}'),
    ],
)  # fmt: skip
def test_values_are_what_jinja_gives(source: str, text: str) -> None:
    assert render(source, ms=[MESSAGE]) == text


def test_a_text_and_a_number_are_no_sum() -> None:
    with pytest.raises(TypeError):
        render("{{ 'a' + 1 }}")


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x=1) %}{% for i in range(999) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    ],
)  # fmt: skip
def test_what_has_no_end_or_doubles_is_refused(source: str) -> None:
    with pytest.raises(BudgetError):
        render(source)
