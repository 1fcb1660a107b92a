"""Show the comment after an attribute as its description in the Python reference."""

from __future__ import annotations

import ast
from typing import Any

import griffe


class AttributeComments(griffe.Extension):
    """`rows: int  # in the shards` is described as "In the shards."."""

    def on_attribute_instance(
        self, *, node: ast.AST | griffe.ObjectNode, attr: griffe.Attribute, **_: Any
    ) -> None:
        """Makes a docstring of the comment on the attribute's line."""
        if attr.docstring is not None or not attr.lines:
            return
        comment = attr.lines[-1].partition("  # ")[2].strip()
        if comment and not comment.startswith(("noqa", "type:", "fmt:")):
            text = f"{comment[0].upper()}{comment[1:]}".rstrip(".")
            attr.docstring = griffe.Docstring(f"{text}.", parent=attr)
