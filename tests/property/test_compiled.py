"""Straight code gives what Jinja gives, and never where Jinja would refuse.

Templates are put together at random, typed as the code is. Jinja in the sandbox, with its costs
counted, is asked for the same block of the same row, under budgets that are sometimes too small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import nodes
from support import oracle

from sftdata.base.limits import budget
from sftdata.base.typed_text import FieldType
from sftdata.errors import TemplateError
from sftdata.rendering import template as template_module
from sftdata.rendering.compiled.compiler import compile_block
from sftdata.rendering.sandbox import TemplateEnvironment
from sftdata.rendering.template import Template, parse_template

FIELDS = ("a", "b")

# Letters whose case is longer than they are, every kind of line end and space, and plain text.
ODD = "İΐŉßǰﬃ \t\n\r\x0b\x0c\x1c\x85\u2028\xa0\0"
values = st.text(st.sampled_from(ODD + "xyXY, .1é中"), max_size=30) | st.text(max_size=10)

literal = st.sampled_from(["''", "' '", "','", "'x'", "'x y'", "'\\n'", "'XyZ'", "'{}'", "'é'"])
filled = st.sampled_from(["' '", "','", "'x'", "'y, '"])
number = st.sampled_from(["0", "1", "2", "7", "-1", "-3", "30"])


def joined(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One text of these parts, of which those that are no text are strategies."""
    strategies = [part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts]
    return st.tuples(*strategies).map("".join)


Source = st.SearchStrategy[str]
texts: Source = st.deferred(lambda: simple_text | made_text)
lists: Source = st.deferred(lambda: simple_list | made_list)
numbers: Source = st.deferred(lambda: number | counted)
flags: Source = st.deferred(lambda: compared | texts)
simple_text = st.sampled_from(["a", "b", "c", "item", "(a)"]) | literal
simple_list = joined("a.split(", filled, ")") | st.sampled_from(
    ["b.split()", "a.splitlines()", "['x', b]", "(a, 'y', b)", "names", "a.rsplit(' ', 1)"]
)
of_text = st.sampled_from(
    [
        "trim", "upper", "lower", "title", "capitalize", "string", "reverse", "default('z')",
        "d('z', true)", "truncate(9)", "truncate(3, true, '-', 0)", "replace('x', 'yyy')",
        "replace(' ', '')", "trim('x')",
    ]
)  # fmt: skip
methods = st.sampled_from(
    [
        "strip()", "lstrip('x')", "rstrip()", "swapcase()", "casefold()", "title()",
        "removeprefix('x')", "removesuffix(b)", "replace('y','')", "upper()",
    ]
)  # fmt: skip
made_text = (
    joined("(", texts, "|", of_text, ")")
    | joined("(", texts, ").", methods)
    | joined("(", texts, " ~ ", texts | numbers, ")")
    | joined("(", texts, " + ", texts, ")")
    | joined("(", texts, " if ", flags, " else ", texts, ")")
    | joined("(", texts, " or ", texts, ")")
    | joined("(", texts, ")[", number, ":", number, "]")
    | joined("(", texts, ")[::-1]")
    | joined("(", lists, ")[", number, "]")
    | joined("(", lists, "|", st.sampled_from(["first", "last", "join", "join(', ')"]), ")")
    | joined("('-').join(", lists, ")")
)
streams = joined("(", lists, "|map('", of_text.filter(lambda f: "(" not in f), "')|select)")
made_list = (
    joined("(", streams, "|list)")
    | joined("(", lists, ")[", number, ":]")
    | joined("(", texts, ").split(", filled, ")")
)
counted = (
    joined("(", texts | lists, "|", st.sampled_from(["length", "count"]), ")")
    | joined("(", texts, "|wordcount)")
    | joined("(", texts, ").", st.sampled_from(["count('x')", "find('y')"]))
    | joined("(", number, st.sampled_from([" + ", " - "]), numbers, ")")
    | st.sampled_from(["loop.index", "loop.revindex0", "loop.length"])
)
compared = (
    joined("(", numbers, st.sampled_from([" > ", " <= ", " == "]), numbers, ")")
    | joined("(", texts, st.sampled_from([" in ", " not in "]), texts | lists, ")")
    | joined("(", texts, st.sampled_from([" == ", " < ", " != "]), texts, ")")
    | joined("(not ", texts | lists, ")")
    | joined("(", flags, st.sampled_from([" and ", " or "]), texts, ")")
    | joined("(", texts, ")", st.sampled_from([".isdigit()", ".startswith('x')"]))
    | joined("(", texts, ") is ", st.sampled_from(["defined", "undefined", "none", "string"]))
    | st.sampled_from(["true", "loop.first", "loop.last", "a is defined", "b is none"])
)
printed = joined("{{ ", texts | numbers | flags, " }}") | joined("{{ ", texts, " if ", flags, " }}")
plain = st.sampled_from(["- ", "\n", "é {", 'it\'s \\ "so"'])


def statements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Conditions, loops and names around what is given."""
    lines = st.lists(inner, max_size=3).map("".join)
    return (
        joined("{% if ", flags, " %}", lines, "{% elif ", flags, " %}", lines, "{% endif %}")
        | joined("{% if ", flags, " %}", lines, "{% else %}", lines, "{% endif %}")
        | joined("{% for item in ", lists | streams, " %}", lines, "{% endfor %}")
        | joined("{% for item in ", lists, " if ", flags, " %}", lines, "{% endfor %}")
        | joined("{% for c in ", lists, " %}", lines, "{% else %}", lines, "{% endfor %}")
        | joined("{% set c = ", texts, " %}", lines)
        | joined("{% set names = ", lists, " %}", lines)
    )


bodies = st.lists(st.recursive(printed | plain, statements, max_leaves=6), max_size=4).map("".join)


def parse(body: str) -> Template:
    return parse_template(
        "t/t",
        f"{{% block prompt %}}{body}end\n{{% endblock %}}{{% block target %}}{{{{ b }}}}"
        "{% endblock %}",
    )


def ending(template: Template, row: Mapping[str, Any]) -> str:
    """What the prompt is, or how it fails."""
    try:
        return "text: " + template.render_block("prompt", row)
    except TemplateError as error:
        return f"error: {error}"


def through_jinja(template: Template, row: Mapping[str, Any]) -> str:
    """The same from Jinja alone."""
    with patch.object(template_module, "compile_block", lambda *_: None):
        return ending(parse_template("t/t", template.source).with_types(template.types), row)


def parsed(body: str) -> Iterator[Template]:
    """The template; nothing where Jinja does not take it."""
    try:
        yield parse(body)
    except TemplateError:
        return


@given(body=bodies, a=values, b=values)
def test_a_compiled_block_equals_jinja(body: str, a: str, b: str) -> None:
    row = dict(zip(FIELDS, (a, b), strict=True))
    for template in parsed(body):
        assert ending(template, row) == through_jinja(template, row)


@given(body=bodies, a=values, b=values, units=st.integers(0, 20_000))
def test_a_compiled_block_never_exceeds_the_budget(body: str, a: str, b: str, units: int) -> None:
    row = dict(zip(FIELDS, (a, b), strict=True))
    with patch.object(budget, "_BASE", units), patch.object(budget, "_PER_CHARACTER", 0):
        for template in parsed(body):
            made = compiled_text(template, row)
            assert made is None or "text: " + made == through_jinja(template, row)


def compiled_text(template: Template, row: Mapping[str, Any]) -> str | None:
    """What the compiled block makes of the prompt; None where it leaves that to Jinja."""
    block = next(TemplateEnvironment(None).parse(template.source).find_all(nodes.Block))
    code = compile_block(block.body, template.blocks[block.name].fields, template.types)
    try:
        return None if code is None else code(row)
    except (AssertionError, LookupError, TypeError, ValueError):
        return None


# --- fields with a type ---------------------------------------------------------------------------

TYPES: dict[str, FieldType] = {"n": "int", "x": "float", "f": "bool"}
typed_number = st.sampled_from(
    ["n", "x", "(-n)", "(n + 1)", "(2 - x)", "0", "1", "7", "(a|length)"]
)
typed_flag = (
    joined(typed_number, st.sampled_from([" == ", " != ", " < ", " >= "]), typed_number)
    | joined("f", st.sampled_from([" == ", " != "]), typed_number)
    | st.sampled_from(
        ["f", "not f", "n", "x", "f or n", "n is none", "x is string", "f is defined"]
    )
)
typed_print = st.sampled_from(
    [
        "n", "x", "f", "a ~ n", "x ~ f", "f|string", "n|default('z')", "a[n:]", "a[:n]",
        "'ab'[n]", "a[x]", "n in ['1', '7']", "'yes' if f else 'no'", "a.count('x') + n",
    ]
)  # fmt: skip
typed_bodies = st.lists(
    joined("{{ ", typed_print | typed_number, " }}")
    | joined("{% if ", typed_flag, " %}", "{{ n }}{% else %}{{ a }}{% endif %}"),
    max_size=4,
).map("".join)
typed_rows = st.fixed_dictionaries(
    {
        "a": values,
        "b": values,
        "n": st.integers(-3, 9) | st.integers(-(2**63), 2**64 - 1),
        "x": st.floats(allow_nan=False, allow_infinity=False),
        "f": st.booleans(),
    }
)


@given(body=typed_bodies, row=typed_rows)
def test_a_compiled_block_of_typed_fields_equals_jinja(body: str, row: dict[str, Any]) -> None:
    for template in parsed(body):
        typed = template.with_types(TYPES)
        assert ending(typed, row) == through_jinja(typed, row)


def test_what_templates_do_with_numbers_is_compiled() -> None:
    template = parse("{% if n == 0 %}yes{% elif x < 1.5 %}{% endif %}{{ n }}").with_types(TYPES)
    assert compiled_text(template, {"n": 0, "x": 2.0, "b": ""}) is None  # 1.5 is left to Jinja
    template = parse("{% if n == 0 %}yes{% else %}{{ x }} {{ f }}{% endif %}").with_types(TYPES)
    assert compiled_text(template, {"n": 0, "x": 0.1, "f": True}) == "yesend\n"
    assert compiled_text(template, {"n": 1, "x": 0.1, "f": True}) == "0.1 Trueend\n"
    assert compiled_text(template, {"n": "1", "x": 0.1, "f": True}) is None  # not of its type


@pytest.mark.parametrize(
    "body",
    [
        "{% for x in a.split('\n') %}{{ loop.index }}. {{ x|trim }}{% endfor %}",
        "{% for x in a.split() if x|length > 3 %}{{ x }}{% else %}none{% endfor %}",
        "{% if a %}{{ a }}{% elif b|trim %}{{ b }}{% else %}-{% endif %}",
        "{{ 'long' if a|length > 30 else 'short' }}{{ '!' if b }}",
        "{{ a.split(',')|map('trim')|select|join(', ') }}",
        "{% set lines = a.splitlines() %}{{ lines|length }}{{ lines[0] }}{{ lines[1:]|join }}",
        "{{ a|truncate(20) }}{{ a[:5] ~ '…' ~ b|wordcount }}",
        "{% for x in a.split(',') %}{% for y in x.split() %}{{ y }}{% endfor %}{% endfor %}",
        "{{ b.upper() if 'x' in a and not b.startswith('y') else b|title }}",
        "{% if a is defined and a == b %}{{ a|replace('x', 'y')|default('z', true) }}{% endif %}",
        "{% for x in ['yes', b] %}{{ x }}{{ ', ' if not loop.last }}{% endfor %}",
    ],
)
def test_what_templates_do_with_text_is_compiled(body: str) -> None:
    row = {"a": "one, two x\nthree", "b": "four"}
    template = parse(body)
    text = compiled_text(template, row)
    assert text is not None
    assert (text, row["b"]) == oracle.render_rows(template.source, [row])[0]


@pytest.mark.parametrize(
    "body",
    [
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(a) }}",
        "{% set ns = namespace(n=0) %}{{ ns.n }}",
        "{% if a %}{% set c = 'x' %}{% endif %}{{ c }}",
        "{{ a.split() }}",
        "{{ a.split()|map('trim')|last }}",
        "{{ a|tojson }}",
        "{{ loop }}",
        "{{ a.format() }}",
        "{{ a ~ none }}",
        "{{ a|replace('', b) }}",
        "{{ 3000000000 }}",
        "{{ a|length + b|length }}",
        "{% for x in a %}{{ x }}{% endfor %}",
        "{% filter upper %}{{ a }}{% endfilter %}",
        "{{ a > 3 }}",
    ],
)
def test_a_block_that_is_not_compiled_is_left_to_jinja(body: str) -> None:
    assert compiled_text(parse(body), {"a": "text", "b": "x"}) is None


def test_a_field_that_is_no_text_is_left_to_jinja() -> None:
    template = parse("{{ a|length }}{% for x in a %}{{ x }}{% endfor %}")
    assert template.render_block("prompt", {"a": [1, 2], "b": "x"}) == "212end\n"
    template = parse("{{ a|trim }}")
    assert template.render_block("prompt", {"a": 5, "b": "x"}) == "5end\n"


def test_a_list_without_a_first_item_is_left_to_jinja() -> None:
    body = "{{ a.split()|first }}"
    with pytest.raises(TemplateError, match="No first item, sequence was empty"):
        parse(body).render_block("prompt", {"a": " ", "b": "x"})
    assert parse(body).render_block("prompt", {"a": "1 2", "b": "x"}) == "1end\n"


@pytest.mark.parametrize("item", ["a.split(';')[1]", "a.split()|first", "a.split(';')[1:]|last"])
def test_what_may_be_undefined_is_not_answered_by_its_kind(item: str) -> None:
    template = parse(f"{{{{ ({item}) is defined }}}} {{{{ ({item}) is undefined }}}} ")
    assert template.render_block("prompt", {"a": "", "b": "x"}) == "False True end\n"
    assert template.render_block("prompt", {"a": "x;y", "b": "x"}) == "True False end\n"


def test_a_field_called_loop_is_hidden_inside_a_loop() -> None:
    template = parse("{{ loop }}{% for x in loop.split() %}{{ loop }}{% endfor %}")
    row = {"loop": "1 2", "b": "x"}
    assert ending(template, row) == through_jinja(template, row)
    assert "cannot print a LoopContext" in ending(template, row)


@pytest.mark.parametrize(
    "inner",
    [
        "{% for x in b.split() if loop is string %}{{ x }}{% endfor %}",
        "{% for x in b.split() if loop < 'z' %}{{ x }}{% endfor %}",
        "{% for x in b.split() %}{{ x }}{% else %}{{ loop }}{% endfor %}",
        "{% for x in loop.split() %}{{ x }}{% endfor %}",
    ],
)
def test_so_it_is_in_the_test_and_the_else_of_a_loop_inside(inner: str) -> None:
    template = parse(f"{{% for y in a.split() %}}{inner}{{% endfor %}}{{{{ loop }}}}")
    for b in ("1 2", ""):
        row = {"a": "x", "b": b, "loop": "field"}
        assert ending(template, row) == through_jinja(template, row)
    alone = parse(inner)
    row = {"a": "x", "b": "", "loop": "l"}
    assert ending(alone, row) == through_jinja(alone, row)


def test_a_row_with_too_many_lines_is_refused_as_ever() -> None:
    body = "{% for x in a.split(',') %}{% for y in a.split(',') %}{{ y }}{% endfor %}{% endfor %}"
    with pytest.raises(TemplateError, match="takes too many steps"):
        parse(body).render_block("prompt", {"a": "," * 9000, "b": "x"})
