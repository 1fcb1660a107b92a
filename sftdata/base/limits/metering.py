"""Puts the price tags of `budget` into a template's syntax tree.

Jinja calls the environment for calls, attributes and chosen operators. Loops, literals, `~`,
comparisons and slices it compiles to plain Python, so here they get a filter around them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jinja2
from jinja2 import Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.visitor import NodeTransformer

from sftdata.base.limits.budget import (
    INCLUDE,
    MAX_BITS,
    STEP,
    spend,
    spend_on,
    spend_on_search,
)

# Names that no template can write, because a filter's name is an identifier. The environment
# refuses them where a template gives a name as text, as in `map('tick!')`.
TICK, WEIGH, SEARCHED, CONCAT = "tick!", "weigh!", "searched!", "concat!"

_NODE, _LOOKUP = 2, 8  # units; the sandbox looks at each attribute and item that is read
_NOT_CONSTANT = 100  # the length of a text that is looked for and not known; see `budget`
_VALUES = (str, int, float, Undefined, type(None))


class Metering(NodeTransformer):
    """The tree with a price at every place whose cost depends on the row or on a loop."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - named by the node
        """Every turn of a loop costs a step, its statements, and the literal text in its body."""
        tick = _tick_of(node.body, node.lineno)
        test = None if node.test is None else _tick_of([node.test], node.lineno)
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(tick, lineno=node.lineno))
        if test is not None:
            node.test = nodes.And(test, node.test, lineno=node.lineno)
        return node

    def _visit_function(self, node: nodes.Macro | nodes.CallBlock) -> nodes.Node:
        """So does every call of a macro."""
        tick = _tick_of([*node.args, *node.defaults, *node.body], node.lineno)
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(tick, lineno=node.lineno))
        return node

    visit_Macro = visit_CallBlock = _visit_function  # noqa: N815

    def visit_Include(self, node: nodes.Stmt) -> list[nodes.Stmt]:  # noqa: N802
        """Looks a file up by the name as it is written."""
        tick = _priced(TICK, nodes.Const(INCLUDE, lineno=node.lineno))
        return [nodes.ExprStmt(tick, lineno=node.lineno), node]

    visit_Import = visit_FromImport = visit_Include  # noqa: N815

    def visit_Const(self, node: nodes.Const) -> nodes.Const:  # noqa: N802
        """A literal must be no longer than the numbers of a row."""
        if isinstance(node.value, int) and node.value.bit_length() > MAX_BITS:
            raise jinja2.TemplateSyntaxError("a number is too large", node.lineno)
        return node

    def _visit_made(self, node: nodes.List | nodes.Tuple | nodes.Dict) -> nodes.Expr:
        is_constant = _is_constant_list(node)  # its nodes are paid for
        self.generic_visit(node)
        is_read = getattr(node, "ctx", "load") == "load"
        return _priced(WEIGH, node) if is_read and not is_constant else node

    visit_List = visit_Tuple = visit_Dict = _visit_made  # noqa: N815

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802
        """A slice is a copy."""
        self.generic_visit(node)
        return _priced(WEIGH, node) if isinstance(node.arg, nodes.Slice) else node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802
        """`a ~ b` is as long as both."""
        self.generic_visit(node)
        return _priced(CONCAT, nodes.List(node.nodes, lineno=node.lineno))

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:  # noqa: N802
        """Comparing and searching read their operands, unless one is a literal."""
        is_short = _is_short(node)
        left = node.expr
        self.generic_visit(node)
        if is_short:
            return node
        node.expr = _priced(WEIGH, node.expr)
        for operand in node.ops:
            if operand.op in ("in", "notin"):
                length = _length_of(left)
                operand.expr = _priced(SEARCHED, operand.expr, length)
            else:
                operand.expr = _priced(WEIGH, operand.expr)
            left = operand.expr
        return node


def price_of_nodes(parts: Iterable[nodes.Node]) -> int:
    """The price of going once through these statements and expressions, calls not counted."""
    price = 0
    for part in parts:
        for node in (part, *part.find_all(nodes.Node)):
            price += _LOOKUP if isinstance(node, (nodes.Getattr, nodes.Getitem)) else _NODE
            if isinstance(node, nodes.TemplateData):
                price += len(node.data)
    return price


def _tick_of(parts: list[Any], line: int) -> nodes.Expr:
    return _priced(TICK, nodes.Const(STEP + price_of_nodes(parts), lineno=line))


def _priced(name: str, expr: nodes.Expr, *args: int) -> nodes.Filter:
    given = [nodes.Const(arg, lineno=expr.lineno) for arg in args]
    return nodes.Filter(expr, name, given, [], None, None, lineno=expr.lineno)


def _length_of(node: nodes.Expr) -> int:
    is_text = isinstance(node, nodes.Const) and isinstance(node.value, str)
    return len(node.value) if is_text else _NOT_CONSTANT  # type: ignore[attr-defined]


def _is_constant_list(node: nodes.Node) -> bool:
    return isinstance(node, (nodes.List, nodes.Tuple)) and all(
        isinstance(item, nodes.Const) for item in node.items
    )


def _is_short(node: nodes.Compare) -> bool:
    """Whether a comparison cannot take longer than its literal is long."""
    if len(node.ops) > 1:
        return False
    operand = node.ops[0]
    if operand.op in ("eq", "ne"):
        return isinstance(node.expr, nodes.Const) or isinstance(operand.expr, nodes.Const)
    return operand.op in ("in", "notin") and _is_constant_list(operand.expr)


@jinja2.pass_context
def _tick(context: Any, price: int) -> bool:
    spend(price)
    return True


@jinja2.pass_context
def _weigh(context: Any, value: Any) -> Any:
    spend_on(value)
    return value


@jinja2.pass_context
def _searched(context: Any, value: Any, length: int) -> Any:
    spend_on(value)
    if isinstance(value, str):
        spend_on_search(value, length)
    return value


@jinja2.pass_context
def _concat(context: Any, values: list[Any]) -> str:
    require_value(values)
    for value in values:
        spend_on(value)
    return "".join(map(str, values))


@jinja2.pass_context
def _concat_anything(context: Any, values: list[Any]) -> str:
    for value in values:
        spend_on(value)
    return "".join(map(str, values))


def require_value(value: Any) -> None:
    """Refuses objects that are not values, also in lists: their text has a memory address."""
    waiting = [value]
    while waiting:
        held = waiting.pop()
        if isinstance(held, (list, tuple)):
            waiting.extend(held)
        elif isinstance(held, dict):
            waiting += [*held.keys(), *held.values()]
        elif not isinstance(held, _VALUES):
            raise SecurityError(f"a template cannot print a {type(held).__name__}")
        elif isinstance(held, Undefined) and held is not value:
            str(held)  # raises, as printing it alone does


def price_tags(*, values_only: bool) -> dict[str, Any]:
    """The filters that `Metering` puts into a tree."""
    concat = _concat if values_only else _concat_anything
    return {TICK: _tick, WEIGH: _weigh, SEARCHED: _searched, CONCAT: concat}
