"""Puts the price tags of `budget` into a template's syntax tree, filters and tests.

Jinja calls the environment for calls, attributes and chosen operators. Loops, literals, `~`,
comparisons and slices it compiles to plain Python, so here they get a filter around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import jinja2
from jinja2 import Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.tests import TESTS
from jinja2.utils import _PassArg
from jinja2.visitor import NodeTransformer

from sftdata.rendering.limits.budget import CALL, INCLUDE, STEP, counted, spend, spend_on

# Names that no template can write, because a filter's name is an identifier.
TICK, WEIGH, CONCAT = "tick!", "weigh!", "concat!"

# Filters that give text or values of the row and nothing else. Those left out pad to any width
# (center, format, indent, wordwrap, xmlattr, pprint), make HTML, take quadratic time (striptags,
# urlize), draw at random, or go around the sandbox's own way to attributes (attr).
_FILTER_NAMES = (
    "abs batch capitalize count d default dictsort filesizeformat first float groupby int items "
    "join last length list lower map max min reject rejectattr replace reverse round select "
    "selectattr slice sort string sum title tojson trim truncate unique upper wordcount"
)

# Those that go through any sequence; what the others get must be a value, and they may print it.
_OF_SEQUENCES = (
    "batch count d default first groupby join last length list map max min reject rejectattr "
    "reverse select selectattr slice sort sum unique"
)
_VALUES = (str, int, float, Undefined, type(None))


class Metering(NodeTransformer):
    """The tree with a price at every place whose cost depends on the row or on a loop."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - named by the node
        """Every turn of a loop costs a step and the literal text in its body."""
        printed = sum(len(data.data) for part in node.body for data in _texts(part))
        tick = _priced(TICK, nodes.Const(STEP + printed, lineno=node.lineno))
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(tick, lineno=node.lineno))
        if node.test is not None:
            node.test = nodes.And(
                _priced(TICK, nodes.Const(STEP, lineno=node.lineno)), node.test, lineno=node.lineno
            )
        return node

    def visit_Include(self, node: nodes.Stmt) -> list[nodes.Stmt]:  # noqa: N802
        """Looks a file up by the name as it is written."""
        tick = _priced(TICK, nodes.Const(INCLUDE, lineno=node.lineno))
        return [nodes.ExprStmt(tick, lineno=node.lineno), node]

    visit_Import = visit_FromImport = visit_Include  # noqa: N815

    def _visit_made(self, node: nodes.Expr) -> nodes.Expr:
        self.generic_visit(node)
        return node if getattr(node, "ctx", "load") != "load" else _priced(WEIGH, node)

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
        """Comparing and searching read their operands."""
        self.generic_visit(node)
        node.expr = _priced(WEIGH, node.expr)
        for operand in node.ops:
            operand.expr = _priced(WEIGH, operand.expr)
        return node


def _priced(name: str, expr: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(expr, name, [], [], None, None, lineno=expr.lineno)


def _texts(part: nodes.Node) -> Iterator[nodes.TemplateData]:
    yield from part.find_all(nodes.TemplateData)


@jinja2.pass_context
def _tick(context: Any, price: int) -> bool:
    spend(price)
    return True


@jinja2.pass_context
def _weigh(context: Any, value: Any) -> Any:
    spend_on(value)
    return value


@jinja2.pass_context
def _concat(context: Any, values: list[Any]) -> str:
    require_value(values)
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


@cache
def metered_filters() -> Mapping[str, Any]:
    """The filters a template may use, each with its price, and those of `Metering`."""
    kept = {name: _metered(name, FILTERS[name]) for name in _FILTER_NAMES.split()}
    return kept | {TICK: _tick, WEIGH: _weigh, CONCAT: _concat}


@cache
def metered_tests() -> Mapping[str, Any]:
    """The tests, each with its price."""
    tests: Mapping[str, Any] = TESTS
    return {name: _metered("", test) for name, test in tests.items()}


def _metered(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    passed = _PassArg.from_obj(function)
    before = _BEFORE.get(name)
    needs_value = bool(name) and name not in _OF_SEQUENCES.split()

    @jinja2.pass_context
    def metered(context: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if type(value) is str and passed is None and not (args or kwargs or before):
            spend(2 * CALL + len(value))  # nearly every use of a filter
            result = function(value)
            if not isinstance(result, Iterator):
                spend_on(result)
                return result
            return counted(result)
        spend(CALL)
        if needs_value:
            require_value(value)
        for given in (value, *args, *kwargs.values()):
            spend_on(given)
            if isinstance(given, int) and given is not value:
                spend(abs(given))  # a width, a number of parts, a precision
        if before is not None:
            value = before(value, args, kwargs)
        result = function(*_first_argument(passed, context), value, *args, **kwargs)
        if isinstance(result, Iterator):
            return counted(result)
        spend_on(result)
        return result

    return metered


def _first_argument(passed: _PassArg | None, context: Any) -> tuple[Any, ...]:
    if passed is None:
        return ()
    if passed is _PassArg.context:
        return (context,)
    return (context.eval_ctx if passed is _PassArg.eval_context else context.environment,)


def _pay_for_replace(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    given = dict(zip(("old", "new"), args, strict=False)) | kwargs
    old, new = str(given.get("old", "")), str(given.get("new", ""))
    spend(str(value).count(old) * len(new))
    return value


def _pay_for_join(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    items = list(value)
    separator = str((dict(zip(("d",), args, strict=False)) | kwargs).get("d", ""))
    spend_on(items)
    spend(len(separator) * len(items))
    require_value(items)
    return items


def _refuse_start(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    start = (dict(zip(("attribute", "start"), args, strict=False)) | kwargs).get("start", 0)
    if not isinstance(start, (int, float)):
        raise SecurityError("the filter 'sum' adds numbers only")
    return value


def _refuse_indent(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    indent = (dict(zip(("indent",), args, strict=False)) | kwargs).get("indent")
    if indent is not None and not (isinstance(indent, int) and 0 <= indent <= 8):
        raise SecurityError("the filter 'tojson' indents by at most 8 spaces")
    return value


_BEFORE = {
    "replace": _pay_for_replace,
    "join": _pay_for_join,
    "sum": _refuse_start,
    "tojson": _refuse_indent,
}
