"""Puts the price tags of `budget` into a template's syntax tree.

Jinja calls the environment for calls, attributes and chosen operators. Loops, literals, `~`,
comparisons and slices it compiles to plain Python, so here they get a filter around them.
"""

from __future__ import annotations

import functools
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
    price_of_search,
    spend,
    spend_on,
    spend_on_copy,
    spend_on_search,
)

# Names that no template can write, because a filter's name is an identifier. The environment
# refuses them where a template gives a name as text, as in `map('tick!')`.
TICK, WEIGH, COPIED, SEARCHED = "tick!", "weigh!", "copied!", "searched!"
CONCAT, ADDED, PRINTED = "concat!", "added!", "printed!"

_NODE, _LOOKUP = 2, 8  # units; the sandbox looks at each attribute and item that is read
_NOT_CONSTANT = 100  # assumed length of a searched text that is not a literal; see `budget`
_CHAIN = 3  # sums of fewer texts are left to the environment
_TEXT_FILTERS = ("join", "lower", "replace", "string", "tojson", "trim", "upper")
_VALUES = (str, int, float, Undefined, type(None))


class Metering(NodeTransformer):
    """The tree with a price at every place whose cost depends on the row or on a loop.

    `prices_captures`: also price the text that is printed into a capture, as in a macro. The caller
    counts all other text.
    """

    def __init__(self, *, prices_captures: bool = False) -> None:
        self._prices_captures, self._captures = prices_captures, 0

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
        self._visit_capture(node)
        node.body.insert(0, nodes.ExprStmt(tick, lineno=node.lineno))
        return node

    visit_Macro = visit_CallBlock = _visit_function  # noqa: N815

    def _visit_capture(self, node: nodes.Node) -> nodes.Node:
        self._captures += 1
        self.generic_visit(node)
        self._captures -= 1
        return node

    visit_AssignBlock = visit_FilterBlock = _visit_capture  # noqa: N815

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802
        """Captured text stays in memory until the capture ends. A list is priced in any case: its
        text may be much longer than making it has cost."""
        are_texts = [_makes_text(part) for part in node.nodes]
        self.generic_visit(node)
        if self._prices_captures and self._captures:
            node.nodes = [
                part if isinstance(part, nodes.TemplateData) else _priced(WEIGH, part)
                for part in node.nodes
            ]
        elif self._prices_captures:
            node.nodes = [
                part if is_text else _priced(PRINTED, part)
                for part, is_text in zip(node.nodes, are_texts, strict=True)
            ]
        return node

    def visit_Include(self, node: nodes.Stmt) -> list[nodes.Stmt]:  # noqa: N802
        """An include costs a look-up of its file."""
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
        return _priced(COPIED, node) if isinstance(node.arg, nodes.Slice) else node

    def visit_Add(self, node: nodes.Add) -> nodes.Expr:  # noqa: N802
        """A chain of texts is added at once."""
        parts = _added(node)
        if len(parts) < _CHAIN or not any(map(_is_text, parts)):
            self.generic_visit(node)
            return node
        made = nodes.List([self.visit(part) for part in parts], lineno=node.lineno)
        return _priced(ADDED, made)

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
        node.expr = _weighed(node.expr)
        for operand in node.ops:
            if operand.op in ("in", "notin"):
                length = _length_of(left)
                operand.expr = _priced(SEARCHED, operand.expr, length)
            else:
                operand.expr = _weighed(operand.expr)
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


def _weighed(expr: nodes.Expr) -> nodes.Expr:
    """A literal is as long in every rendering: its node is paid for."""
    return expr if isinstance(expr, nodes.Const) else _priced(WEIGH, expr)


def _is_text(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


def _makes_text(node: nodes.Expr) -> bool:
    """Whether the value is a text, if there is one: then `render_counted` counts it."""
    if isinstance(node, nodes.Add):
        return any(map(_is_text, _added(node)))
    if isinstance(node, nodes.Filter):
        return node.name in _TEXT_FILTERS
    return isinstance(node, (nodes.TemplateData, nodes.Const, nodes.Concat))


def _length_of(node: nodes.Expr) -> int:
    return len(node.value) if _is_text(node) else _NOT_CONSTANT  # type: ignore[attr-defined]


def _added(node: nodes.Expr) -> list[nodes.Expr]:
    """The operands of a sum, from the left."""
    parts = []
    while isinstance(node, nodes.Add):
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def _is_constant_list(node: nodes.Node) -> bool:
    return isinstance(node, (nodes.List, nodes.Tuple)) and all(
        isinstance(item, nodes.Const) for item in node.items
    )


_SHORT = (nodes.Const, nodes.Compare, nodes.Not, nodes.Test)  # a literal, true or false


def _is_short(node: nodes.Compare) -> bool:
    """Whether the length of a literal bounds the time of a comparison."""
    if len(node.ops) > 1:
        return False
    operand = node.ops[0]
    if operand.op in ("eq", "ne"):
        return isinstance(node.expr, _SHORT) or isinstance(operand.expr, _SHORT)
    return operand.op in ("in", "notin") and _is_constant_list(operand.expr)


@jinja2.pass_context
def _tick(context: Any, price: int) -> bool:
    spend(price)
    return True


def weigh(value: Any) -> Any:
    """The value, after its price is taken."""
    spend_on(value)
    return value


@jinja2.pass_context
def _copied(context: Any, value: Any) -> Any:
    spend_on_copy(value)
    return value


@jinja2.pass_context
def _searched(context: Any, value: Any, length: int) -> Any:
    if type(value) is dict:  # looks a key up
        return value
    if type(value) is str:
        spend(STEP + len(value) + price_of_search(value, length))
        return value
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
def _added_values(context: Any, values: list[Any]) -> Any:
    for value in values:
        if type(value) is not str:
            break
    else:
        text = "".join(values)
        spend(STEP + len(text))
        return text
    return functools.reduce(
        lambda left, right: context.environment.call_binop(context, "+", left, right), values
    )


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
    """The filters that `Metering` puts into a tree. `code` writes out most uses of some."""
    concat = _concat if values_only else _concat_anything
    return {
        TICK: _tick,
        WEIGH: weigh,
        PRINTED: weigh,
        COPIED: _copied,
        SEARCHED: _searched,
        CONCAT: concat,
        ADDED: _added_values,
    }
