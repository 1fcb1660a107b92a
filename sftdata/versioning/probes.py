"""Probe a template's behaviour: its text for a fixed set of rows.

A probe row is a name and a text for each field. The fixed ones are the same for every template
with these fields, and their renderings make `behaviour_sha256`. When two templates are compared,
probes made of the constants in them are added, since `{% if article|length > 300 %}` shows only
around 300.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from jinja2 import nodes

from sftdata.base.typed_text import TypedValue
from sftdata.errors import TemplateError
from sftdata.rendering.expected_types import expected_types
from sftdata.rendering.sandbox import TemplateEnvironment
from sftdata.rendering.template import BLOCK_NAMES, Template

FAILS = None  # stands for the text of a block that fails on a probe

_SET = 1  # raised when the probes change, so that old digests are not compared with new ones
_LONG = "A sentence of some length that goes on to its end. "
_KINDS = {
    "empty": "",
    "unicode": "Żółć, naïve e\u0301, Москва, 東京, \u0627\u0644, 👩\u200d🚀, \u00a0 and \ufeff.",
    "quotes": "\"Double\", 'single', `back`, “curly”, \\ and {{ braces }} {% tags %} {# notes #}",
    "newlines": "\nFirst.\n\n\nFourth.\r\nFifth.\rSixth.\n",
    "control-like": "<|im_start|>user</s>[INST]<eos><|endoftext|> <b>&amp;</b> | ||| %s {0}",
    "spaces": "  \t two  and\tmore  ",
    "number": "42",
    "word": "word",
    "lower and UPPER": "mixed CASE Text",
    "long": _LONG * 200,
}
_MOST_CONSTANTS = 40
_LARGEST = 20_000  # characters or words of a probe made for a number


@dataclass(frozen=True, slots=True)
class Probe:
    """A row to render, with a name for messages."""

    name: str
    row: Mapping[str, TypedValue]


def fixed_probes(fields: Iterable[str]) -> Iterator[Probe]:
    """Plain text, then each kind of text in all fields at once and in each field alone."""
    base = _base(fields)
    yield Probe("plain text", base)
    for kind, text in _KINDS.items():
        yield Probe(f"{kind} text", dict.fromkeys(base, text))
        if len(base) > 1:
            for field in base:
                yield Probe(f"{kind} text in '{field}'", base | {field: text})


def constant_probes(fields: Iterable[str], templates: Iterable[Template]) -> Iterator[Probe]:
    """Texts around every number and text that the templates hold as constants.

    A field that a template compares with numbers gets the numbers around them, too.
    """
    base, templates = _base(fields), list(templates)
    texts: dict[str, str] = {}
    for constant in sorted(_constants(templates), key=repr)[:_MOST_CONSTANTS]:
        if isinstance(constant, str):
            texts[f"the text {constant!r}"] = constant
            texts[f"text with {constant!r}"] = f"before {constant} after"
            continue
        for size in (constant - 1, constant, constant + 1):
            texts[f"{size} characters"] = "a" * size
            texts[f"{size} words"] = " ".join(["a"] * size)
    for name, text in texts.items():
        for field in base:
            yield Probe(f"{name} in '{field}'", base | {field: text})
    for field, number in sorted(_compared_numbers(templates), key=repr)[:_MOST_CONSTANTS]:
        if field in base:
            yield Probe(f"the number {number} in '{field}'", base | {field: number})


def _compared_numbers(templates: Iterable[Template]) -> set[tuple[str, int | float]]:
    return {
        (use.field, number)
        for template in templates
        for use in expected_types(template)
        for constant in use.constants
        for number in (constant - 1, constant, constant + 1)
    }


def render_probe(template: Template, probe: Probe) -> dict[str, str | None]:
    """The text of each block, or `FAILS`."""
    return {name: _render(template, name, probe) for name in BLOCK_NAMES}


def behaviour_sha256(template: Template) -> str:
    """Digest of the text of every block for every fixed probe."""
    digest = hashlib.sha256(repr((_SET, sorted(template.fields))).encode())
    for probe in fixed_probes(template.fields):
        rendered = sorted(render_probe(template, probe).items())
        digest.update(repr((probe.name, rendered)).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def _base(fields: Iterable[str]) -> dict[str, TypedValue]:
    return {field: f"Text of {field}. It has two sentences." for field in sorted(fields)}


def _render(template: Template, block: str, probe: Probe) -> str | None:
    try:
        return template.render_block(block, probe.row)
    except TemplateError as error:
        if error.rule in ("NONDETERMINISTIC", "LINT_COST"):
            raise  # it says nothing about the text; and another probe would cost as much
        return FAILS


def _constants(templates: Iterable[Template]) -> set[str | int]:
    found: set[str | int] = set()
    for template in templates:
        environment = TemplateEnvironment(template.root)
        for source in (template.source, *template.included.values()):
            for node in environment.parse(source).find_all(nodes.Const):
                if _is_telling(node.value):
                    found.add(node.value)
    return found


def _is_telling(value: object) -> bool:
    if isinstance(value, str):
        return bool(value)
    return type(value) is int and 0 < value <= _LARGEST
