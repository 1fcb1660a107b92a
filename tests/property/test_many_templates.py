"""Templates of a grammar render alike in three ways: compiled, by our Jinja, and by plain Jinja.

CI tries some hundred templates; SFTDATA_TEMPLATES says how many, SFTDATA_SEED which:
    SFTDATA_TEMPLATES=100000 pytest -s tests/property/test_many_templates.py
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from support.template_grammar import TemplateGrammar

from sftdata.base.typed_text import FieldType
from sftdata.errors import TemplateError
from sftdata.rendering import template as template_module
from sftdata.rendering.template import Template, parse_template

TRIED = int(os.environ.get("SFTDATA_TEMPLATES", "400"))
SEED = int(os.environ.get("SFTDATA_SEED", "1"))
TYPES: dict[str, FieldType] = {"n": "int", "x": "float", "f": "bool"}
ROWS: tuple[Mapping[str, Any], ...] = (
    {"a": "x y,X\n z", "b": "y", "loop": "l o", "n": 2, "x": 0.5, "f": True},
    {"a": "", "b": "", "loop": "", "n": 0, "x": -0.0, "f": False},
    {"a": "İΐ\x1c ﬃ,<b>&\u2028{}%s", "b": "x", "loop": ",", "n": -(2**63), "x": 1e300, "f": True},
)
PLAIN = ImmutableSandboxedEnvironment(
    optimized=False,  # a constant that fails is an error of rendering, as it is for us
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)


def ours(template: Template, row: Mapping[str, Any]) -> str:
    """The text of the prompt, or how it fails."""
    try:
        return "text: " + template.render_block("prompt", row)
    except TemplateError as error:
        return f"error: {error}"


def by_plain_jinja(template: jinja2.Template, row: Mapping[str, Any]) -> str:
    try:
        return "text: " + "".join(template.blocks["prompt"](template.new_context(dict(row))))
    except Exception as error:  # whatever Python raises
        return f"error: {error or type(error).__name__}"


def test_templates_of_a_grammar_render_alike_in_every_way() -> None:
    rng = random.Random(SEED)
    grammar = TemplateGrammar(rng)
    counts = dict.fromkeys(("parsed", "compiled", "texts", "errors"), 0)
    different = []
    for _ in range(TRIED):
        body = grammar.body()
        source = (
            f"{{% block prompt %}}{body}end\n{{% endblock %}}{{% block target %}}{{{{ b }}}}"
            "{% endblock %}"
        )
        try:
            template = parse_template("t/t", source).with_types(TYPES)
        except TemplateError:
            continue
        counts["parsed"] += 1
        with patch.object(template_module, "compile_block", lambda *_: None):
            uncompiled = replace(template)
            expected = [ours(uncompiled, row) for row in ROWS]
        template.__dict__["_jinja_template"] = uncompiled._jinja_template  # to compile it once
        plain = PLAIN.from_string(source)
        counts["compiled"] += template._compiled_blocks["prompt"] is not None
        for row, by_ours in zip(ROWS, expected, strict=True):
            made, by_plain = ours(template, row), by_plain_jinja(plain, row)
            is_text = by_ours.startswith("text: ")
            counts["texts" if is_text else "errors"] += 1
            if made != by_ours or (is_text and by_ours != by_plain):
                different.append((body, row, made, by_ours, by_plain))
    print(f"{TRIED:,} templates, seed {SEED}: {counts}")
    assert different == []
    assert counts["parsed"] >= 0.9 * TRIED  # else little was compared
