"""The sandbox that chat templates render in, with what transformers gives them.

Chat templates come from tokenizer directories, so they reach no file, clock or Python object.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment


def compile_chat_template(source: str) -> jinja2.Template:
    """The template of `source`. Raises `jinja2.TemplateError` when it does not parse."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _Generation],
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    return environment.from_string(source)


class _Generation(Extension):
    """`{% generation %}`: a mark some templates put around the assistant's text; it has no text."""

    tags = {"generation"}  # noqa: RUF012 - the name and the type are Jinja's

    def parse(self, parser: Any) -> list[nodes.Node]:
        """The marked text as if it were not marked."""
        next(parser.stream)
        body: list[nodes.Node] = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return body


def _to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, **options)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
