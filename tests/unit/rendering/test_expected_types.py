"""Uses of fields as numbers, found in the syntax tree."""

from __future__ import annotations

import pytest

from sftdata.rendering.expected_types import expected_types, widest_types
from sftdata.rendering.template import Template, parse_template


def parse(body: str) -> Template:
    return parse_template(
        "t/t",
        f"{{% block prompt %}}\n{{{{ text }}}}\n{{% endblock %}}\n"
        f"{{% block target %}}{body}.{{% endblock %}}",
    )


@pytest.mark.parametrize(
    ("body", "code", "type_"),
    [
        ("{% if label == 0 %}a{% endif %}", "label == 0", "int"),
        ("{{ 'a' if 1 != label }}", "1 != label", "int"),
        ("{{ 'a' if label > -1.5 }}", "label > -1.5", "float"),
        ("{{ 'a' if label in [0, 2] }}", "label in [0, 2]", "int"),
        ("{{ 'a' if label == true }}", "label == true", "bool"),
        ("{{ 'a' if label is true }}", "label is true", "bool"),
        ("{{ 'a' if label is eq(3) }}", "label is eq 3", "int"),
        ("{{ ['no', 'yes'][label] }}", "[…][label]", "int"),
        ("{% set names = ['no', 'yes'] %}{{ names[label] }}", "names[label]", "int"),
        ("{{ {0: 'no', 1: 'yes'}[label] }}", "[…][label]", "int"),
        ("{{ {0: 'no', 1: 'yes'}.get(label) }}", "[…][label]", "int"),
        ("{% for x in text.split() %}{{ x if label == 0 }}{% endfor %}", "label == 0", "int"),
    ],
)
def test_a_field_that_is_used_as_a_number_is_found(body: str, code: str, type_: str) -> None:
    assert [(use.field, use.code, use.type) for use in expected_types(parse(body))] == [
        ("label", code, type_)
    ]


@pytest.mark.parametrize(
    "body",
    [
        "{{ label }}",
        "{{ 'a' if label == '0' }}",
        "{{ 'a' if label|int == 0 }}",
        "{{ 'a' if label|length > 3 }}",
        "{{ 'a' if label == text }}",
        "{{ 'a' if label in ['0', 1] }}",
        "{% set label = label|int %}{{ 'a' if label == 0 }}",
        "{% for label in text.split() %}{{ loop.index == 1 }}{% endfor %}",
        "{{ ['no', 'yes'][label|int] }}",
        "{{ {'0': 'no'}[label] }}",
    ],
)
def test_other_uses_are_those_of_a_text(body: str) -> None:
    assert expected_types(parse(body)) == []


def test_one_type_fits_all_uses() -> None:
    uses = expected_types(parse("{{ 'a' if label == true or label == 1 or score < 0.5 }}"))
    assert widest_types(uses) == {"label": "int", "score": "float"}
    uses = expected_types(parse("{{ 'a' if score == 1 or score < 0.5 }}"))
    assert widest_types(uses) == {"score": "float"}
