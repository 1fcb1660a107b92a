"""Rendering by column gives what Jinja gives row by row."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import oracle

from sftdata.base.typed_text import FieldType
from sftdata.rendering.render import render_batch, render_row
from sftdata.rendering.template import Template, parse_template

FIELDS = ("article", "summary", "title")

# Text that Jinja would read as its own is kept out of templates; it may stand in the fields.
literal = st.text(st.characters(exclude_characters="{}%#", exclude_categories=["Cs"]), max_size=12)
field = st.sampled_from([f"{{{{ {name} }}}}" for name in FIELDS])
plain_field = st.sampled_from([*[f"{{{{{name}}}}}" for name in FIELDS], "{{- title -}}"])
body = st.lists(literal | field | plain_field, max_size=6).map("".join)
values = st.text(max_size=20) | st.sampled_from(
    ["{{ title }}", "{% raw %}", "a\r\nb", "\r", "\0", "{# #}", " ", "<b>&amp;"]
)
rows = st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, values)), min_size=1, max_size=4)


def source_of(system: str, prompt: str, target: str) -> str:
    head = f"{{% block system %}}{system}{{% endblock %}}" if system else ""
    # "end" keeps the last character of `prompt` from making the last newline a second one.
    return (
        f"{head}{{% block prompt %}}{prompt}end\n{{% endblock %}}"
        f"{{% block target %}}start{target}{{% endblock %}}"
    )


def rendered(template: Template, table: list[dict[str, str]]) -> list[tuple[str, str]]:
    columns = {
        "row_id": [str(i) for i in range(len(table))],
        **{name: [row[name] for row in table] for name in FIELDS},
    }
    arrays = {name: pa.array(column, pa.large_string()) for name, column in columns.items()}
    result = render_batch(pa.RecordBatch.from_pydict(arrays), template)
    system = result.system.to_pylist() if result.system is not None else [""] * len(table)
    prompts = [s + p for s, p in zip(system, result.prompt.to_pylist(), strict=True)]
    return list(zip(prompts, result.target.to_pylist(), strict=True))


@given(system=body, prompt=body, target=body, table=rows)
@example(system="", prompt="", target="", table=[dict.fromkeys(FIELDS, "x")])
@example(system="\r\n", prompt="a\r\nb\rc\n", target="\n\n", table=[dict.fromkeys(FIELDS, "\r\n")])
@example(system=" \n", prompt="\n \t", target=" {{ title }} ", table=[dict.fromkeys(FIELDS, "")])
def test_by_column_equals_row_by_row(
    system: str, prompt: str, target: str, table: list[dict[str, str]]
) -> None:
    source = source_of(system, prompt, target)
    template = parse_template("t/t", source)
    plain = [block.parts is not None for block in template.blocks.values()]
    assert all(plain), "not a plain template: this would test nothing"
    by_column = rendered(template, table)
    assert by_column == [render_row(template, row) for row in table]
    assert by_column == oracle.render_rows(source, table)


@given(table=rows)
def test_a_template_with_logic_equals_plain_jinja(table: list[dict[str, str]]) -> None:
    source = source_of(
        "{% if title %}Title: {{ title|trim }}{% endif %}",
        "{% for word in article.split() %}{{ loop.index }} {{ word }}\n{% endfor %}",
        "{{ summary|replace('a', 'b') }}",
    )
    template = parse_template("t/t", source)
    assert all(block.parts is None for block in template.blocks.values())
    assert rendered(template, table) == oracle.render_rows(source, table)


@given(table=rows, cut=st.integers(0, 4))
def test_a_slice_of_a_batch_renders_like_its_rows(table: list[dict[str, str]], cut: int) -> None:
    template = parse_template("t/t", source_of("", "{{ title }}: {{ article }}", "{{ summary }}"))
    assert rendered(template, table)[cut:] == (
        rendered(template, table[cut:]) if cut < len(table) else []
    )


TYPES: dict[str, FieldType] = {"n": "int", "x": "float", "f": "bool"}
typed_rows = st.lists(
    st.fixed_dictionaries(
        {
            "article": values,
            "n": st.integers(-(2**63), 2**64 - 1),
            "x": st.floats(allow_nan=False, allow_infinity=False),
            "f": st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)


def render_typed(source: str, table: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The rows rendered as the build does: from texts in the canonical form of their types."""
    texts = {name: [canonical(row[name]) for row in table] for name in table[0]}
    columns = {"row_id": [str(i) for i in range(len(table))], **texts}
    arrays = {name: pa.array(column, pa.large_string()) for name, column in columns.items()}
    template = parse_template("t/t", source).with_types(TYPES)
    result = render_batch(pa.RecordBatch.from_pydict(arrays), template)
    return list(zip(result.prompt.to_pylist(), result.target.to_pylist(), strict=True))


def canonical(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("target", ["{{ f }} {{ x }}", "{% if n == 0 or f %}{{ x }}{% endif %}."])
@given(table=typed_rows)
def test_typed_fields_are_the_values_that_plain_jinja_sees(
    target: str, table: list[dict[str, Any]]
) -> None:
    source = source_of("", "{{ article }} {{ n }} {{ x }} {{ f }}", target)
    assert render_typed(source, table) == oracle.render_rows(source, table)


def test_an_optional_field_that_is_not_there_is_empty_in_every_type() -> None:
    source = source_of("", "{{ n }}{{ f }}", "{% if n == 0 %}zero{% endif %}")
    columns = {name: pa.array([""], pa.large_string()) for name in ("row_id", "n", "f")}
    template = parse_template("t/t", source).with_types(TYPES)
    result = render_batch(pa.RecordBatch.from_pydict(columns), template)
    assert (result.prompt.to_pylist(), result.target.to_pylist()) == (["end\n"], ["start"])
