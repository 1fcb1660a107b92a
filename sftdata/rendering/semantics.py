"""The meaning of a template, independent of its spelling: a digest of its syntax tree.

Comments, the layout inside tags, `{% raw %}` and how literal text is divided are spelling. Two
templates with equal digests render every row alike; two that render alike may differ here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import nodes


def semantics_digest(
    blocks: Mapping[str, nodes.Block],
    included: Mapping[str, nodes.Template],
    shorten: str | None,
) -> str:
    """SHA-256 of the blocks' trees, of the files they include, by name, and of `shorten`.

    The order of the blocks and their places in the file are spelling too.
    """
    described = (
        [(name, list(_statements(block.body))) for name, block in sorted(blocks.items())],
        [(name, list(_statements(tree.body))) for name, tree in sorted(included.items())],
        shorten,
    )
    return hashlib.sha256(repr(described).encode("utf-8", "backslashreplace")).hexdigest()


def _statements(body: Iterable[nodes.Node]) -> Iterator[Any]:
    """The statements of a body; what it prints in a row is one list of texts and expressions."""
    printed: list[Any] = []
    for node in body:
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                _print(part, printed)
            continue
        if printed:
            yield ("print", printed)
            printed = []
        yield _described(node)
    if printed:
        yield ("print", printed)


def _print(part: nodes.Expr, printed: list[Any]) -> None:
    text = _literal(part)
    if text is None:
        printed.append(_described(part))
    elif text and printed and isinstance(printed[-1], str):
        printed[-1] += text
    elif text:
        printed.append(text)


def _literal(part: nodes.Expr) -> str | None:
    if isinstance(part, nodes.TemplateData):
        return part.data
    if isinstance(part, nodes.Const) and isinstance(part.value, str):
        return part.value
    return None


def _described(value: Any) -> Any:
    """A node as nested tuples of its type and fields; `repr` tells 1, 1.0 and True apart."""
    if isinstance(value, nodes.Node):
        return (type(value).__name__, [(k, _field(v)) for k, v in value.iter_fields()])
    return _field(value)


def _field(value: Any) -> Any:
    if isinstance(value, list):
        if any(isinstance(item, nodes.Stmt) for item in value):
            return list(_statements(value))
        return [_described(item) for item in value]
    if isinstance(value, nodes.Node):
        return _described(value)
    if isinstance(value, tuple):
        return tuple(_field(item) for item in value)
    return value
