"""The field types that a template expects.

They are found in the syntax tree, for fields that the template does not set itself. A text compared
with a number gives the same result for all rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from jinja2 import nodes

from sftdata.base.typed_text import FieldType
from sftdata.rendering.sandbox import TemplateEnvironment
from sftdata.rendering.template import Template

_SIGNS = {
    "eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in",
    "notin": "not in",
}  # fmt: skip
_COMPARING_TESTS = {
    "eq", "equalto", "==", "ne", "!=", "lt", "lessthan", "<", "le", "<=", "gt", "greaterthan", ">",
    "ge", ">=", "in",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExpectedType:
    """A field that is used as a value of a type, and where."""

    field: str
    type: FieldType
    code: str  # such as `label == 0`
    constants: tuple[int | float, ...]


def expected_types(template: Template) -> list[ExpectedType]:
    """Each use of a field of the template as a number or as true or false, in source order."""
    found = []
    for source in (template.source, *template.included.values()):
        tree = TemplateEnvironment(template.root).parse(source)
        own = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
        fields = template.fields - own
        literals = dict(_find_literals(tree))
        for field, code, constants in _find_uses(tree, literals):
            if field in fields:
                found.append(ExpectedType(field, _type_of(constants), code, constants))
    return found


def widest_types(expected: Iterable[ExpectedType]) -> dict[str, FieldType]:
    """One type for each field, which fits all its uses."""
    order: list[FieldType] = ["bool", "int", "float"]
    found: dict[str, FieldType] = {}
    for one in expected:
        found[one.field] = max(found.get(one.field, one.type), one.type, key=order.index)
    return found


def describe_type(field: str, type_: FieldType) -> str:
    """The line of a spec that gives a field a type."""
    return f'{field} = {{ path = "{field}", type = "{type_}" }}'


def _type_of(constants: Iterable[int | float]) -> FieldType:
    if all(isinstance(constant, bool) for constant in constants) and constants:
        return "bool"
    return "float" if any(isinstance(constant, float) for constant in constants) else "int"


_Use = tuple[str, str, tuple[int | float, ...]]  # field, code, constants


def _find_uses(tree: nodes.Template, literals: dict[str, nodes.Expr]) -> Iterator[_Use]:
    for node in tree.find_all((nodes.Compare, nodes.Test, nodes.Getitem, nodes.Call)):
        if isinstance(node, nodes.Compare):
            yield from _in_comparison(node)
        elif isinstance(node, nodes.Test):
            yield from _in_test(node)
        elif isinstance(node, nodes.Getitem):
            yield from _as_place(node.node, node.arg, literals)
        elif isinstance(node, nodes.Call) and node.args:
            owner = node.node
            if isinstance(owner, nodes.Getattr) and owner.attr == "get":
                yield from _as_place(owner.node, node.args[0], literals)


def _in_comparison(node: nodes.Compare) -> Iterator[_Use]:
    operands = [("", node.expr), *((op.op, op.expr) for op in node.ops)]
    for (_, left), (sign, right) in pairwise(operands):
        if isinstance(left, nodes.Name) and (constants := _numbers(right)):
            yield left.name, f"{left.name} {_SIGNS[sign]} {_shown(right)}", constants
        elif isinstance(right, nodes.Name) and (constants := _numbers(left)):
            yield right.name, f"{_shown(left)} {_SIGNS[sign]} {right.name}", constants


def _in_test(node: nodes.Test) -> Iterator[_Use]:
    if not isinstance(node.node, nodes.Name):
        return
    name = node.node.name
    if node.name in ("true", "false"):
        yield name, f"{name} is {node.name}", (node.name == "true",)
    elif node.name in _COMPARING_TESTS and node.args and (numbers := _numbers(node.args[0])):
        yield name, f"{name} is {node.name} {_shown(node.args[0])}", numbers


def _as_place(
    owner: nodes.Node, place: nodes.Node, literals: dict[str, nodes.Expr]
) -> Iterator[_Use]:
    """`["yes", "no"][label]`, also of a list that has a name, and a dict whose keys are numbers."""
    shown = owner.name if isinstance(owner, nodes.Name) else "[…]"
    if isinstance(owner, nodes.Name):
        owner = literals.get(owner.name, owner)
    if not isinstance(place, nodes.Name):
        return
    if isinstance(owner, (nodes.List, nodes.Tuple)):
        yield place.name, f"{shown}[{place.name}]", tuple(range(len(owner.items)))
    elif isinstance(owner, nodes.Dict):
        keys = [_numbers(pair.key) for pair in owner.items]
        if keys and all(keys):
            yield place.name, f"{shown}[{place.name}]", tuple(key[0] for key in keys)


def _find_literals(tree: nodes.Template) -> Iterator[tuple[str, nodes.Expr]]:
    for node in tree.find_all(nodes.Assign):
        is_literal = isinstance(node.node, (nodes.List, nodes.Tuple, nodes.Dict))
        if is_literal and isinstance(node.target, nodes.Name):
            yield node.target.name, cast(nodes.Expr, node.node)


def _numbers(node: nodes.Node) -> tuple[int | float, ...]:
    """The number that a node is, or the numbers of a list of nothing else; else none."""
    if isinstance(node, nodes.Neg):
        return tuple(-number for number in _numbers(node.node))
    if isinstance(node, (nodes.List, nodes.Tuple)):
        items = [_numbers(item) for item in node.items]
        return tuple(number for item in items for number in item) if all(items) else ()
    if isinstance(node, nodes.Const) and isinstance(node.value, (int, float)):
        return (node.value,)
    return ()


def _shown(node: nodes.Node) -> str:
    """The code of a number or a list of numbers."""

    def one(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    numbers = ", ".join(map(one, _numbers(node)))
    return f"[{numbers}]" if isinstance(node, (nodes.List, nodes.Tuple)) else numbers
