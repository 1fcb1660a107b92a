"""Compile the expressions of a template to Python code, each to a `Value` of a known kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeVisitor

from sftdata.base.limits.budget import CALL, STEP
from sftdata.base.typed_text import FieldType
from sftdata.rendering.compiled.operations import SEARCH, filtered, method, search_price
from sftdata.rendering.compiled.values import (
    ASKED,
    LARGEST_LITERAL,
    LISTS,
    PRINTED,
    Kind,
    NotCompilableError,
    Size,
    Value,
    over_items,
    times,
    total,
)

# No operation costs less here than in `budget` and `metering`: a price for the operation, for each
# character and for each item that it reads or makes.
_OPERATION, _CHARACTER, _ITEM = 5 * CALL, 3, 4 * STEP

_COMPARISONS = {
    "eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in",
    "notin": "not in",
}  # fmt: skip
_LOOP_ATTRIBUTES = {
    "index": ("{index}", Kind.NUMBER),
    "index0": ("({index} - 1)", Kind.NUMBER),
    "revindex": ("(len({items}) - {index} + 1)", Kind.NUMBER),
    "revindex0": ("(len({items}) - {index})", Kind.NUMBER),
    "length": ("len({items})", Kind.NUMBER),
    "first": ("({index} == 1)", Kind.FLAG),
    "last": ("({index} == len({items}))", Kind.FLAG),
}


class ExpressionCompiler(NodeVisitor):
    """Compiles expressions: each visitor gives the `Value` of its node.

    Raises `NotCompilableError` for any node whose kind cannot be known.
    """

    def __init__(self, fields: Sequence[str], types: Mapping[str, FieldType]) -> None:
        self.constants: dict[str, str] = {}
        self._variables = 0
        self._names = {name: self._field(types.get(name, "text")) for name in fields}
        self._price: Size = Counter()  # of one time through the statements at hand
        self._loop: Mapping[str, str] | None = None  # the names of its variables
        self._loops = 0  # around the expression at hand

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        """Refuses nodes without a visitor."""
        raise NotCompilableError(type(node).__name__)

    def _value(self, node: nodes.Node | None) -> Value:
        if node is None:  # as the subject of `{% filter … %}`
            raise NotCompilableError("nothing")
        value: Value = self.visit(node)
        return value

    def _one_of(self, kinds: frozenset[Kind], node: nodes.Node | None) -> Value:
        value = self._value(node)
        if value.kind not in kinds:
            raise NotCompilableError(f"{type(node).__name__} of {value.kind.name}")
        return value

    def _condition(self, node: nodes.Node) -> str:
        return self._one_of(ASKED, node).code

    def _constant(self, text: str) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = text
        return name

    def _variable(self) -> str:
        self._variables += 1
        return f"v{self._variables}"

    def _field(self, type_: FieldType) -> Value:
        if type_ == "text":
            return self._item()
        return Value(self._variable(), Kind.FLAG if type_ == "bool" else Kind.NUMBER)

    def _item(self) -> Value:
        """A new variable that is a text."""
        variable = self._variable()
        return Value(variable, Kind.TEXT, Counter({variable: 1}))

    def _paid(self, result: Value | None, *operands: Value) -> Value:
        """The result of an operation, whose price is added."""
        if result is None:
            raise NotCompilableError("an operation")
        self._price[""] += _OPERATION
        for value in (result, *operands):
            self._price += times(value.size, _CHARACTER) + times(value.count, _ITEM)
        return result

    def visit_Const(self, node: nodes.Const) -> Value:  # noqa: N802
        """A literal."""
        value = node.value
        if type(value) is str:
            size = Counter({"": len(value)})
            return Value(self._constant(value), Kind.TEXT, size, constant=value)
        if type(value) in (bool, int) and value < LARGEST_LITERAL:
            kind = Kind.FLAG if type(value) is bool else Kind.NUMBER
            return Value(f"({value})", kind, Counter({"": int(value)}), constant=value)
        raise NotCompilableError("Const")

    def visit_Name(self, node: nodes.Name) -> Value:  # noqa: N802
        """A field, an item of a loop, or a name that was set."""
        is_of_loop = node.name == "loop" and self._loops > 0  # hides a field of that name
        if node.name not in self._names or is_of_loop:
            raise NotCompilableError(node.name)
        return self._names[node.name]

    def visit_Getattr(self, node: nodes.Getattr) -> Value:  # noqa: N802
        """An attribute of `loop`, such as `loop.index`."""
        is_of_loop = isinstance(node.node, nodes.Name) and node.node.name == "loop"
        if not is_of_loop or self._loop is None or node.attr not in _LOOP_ATTRIBUTES:
            raise NotCompilableError("Getattr")
        code, kind = _LOOP_ATTRIBUTES[node.attr]
        return Value(code.format_map(self._loop), kind)

    def visit_Getitem(self, node: nodes.Getitem) -> Value:  # noqa: N802
        """A part of a text or of a list, or one item."""
        owner = self._one_of(frozenset({Kind.TEXT, Kind.TEXTS}), node.node)
        if not isinstance(node.arg, nodes.Slice):
            at = self._one_of(frozenset({Kind.NUMBER}), node.arg)
            return self._paid(Value(f"{owner.code}[{at.code}]", Kind.TEXT, owner.size), owner)
        bounds = [
            "" if bound is None else self._one_of(frozenset({Kind.NUMBER}), bound).code
            for bound in (node.arg.start, node.arg.stop, node.arg.step)
        ]
        code = f"{owner.code}[{':'.join(bounds)}]"
        return self._paid(Value(code, owner.kind, owner.size, owner.count), owner)

    def visit_Call(self, node: nodes.Call) -> Value:  # noqa: N802
        """A method call."""
        if not isinstance(node.node, nodes.Getattr) or node.kwargs or _has_stars(node):
            raise NotCompilableError("Call")
        owner = self._value(node.node.node)
        arguments = [self._value(argument) for argument in node.args]
        return self._called(node.node.attr, method, owner, arguments)

    def _called(
        self,
        name: str,
        operation: Callable[[str, Value, Sequence[Value]], Value | None],
        owner: Value,
        arguments: Sequence[Value],
    ) -> Value:
        self._price += search_price(name, owner, arguments)
        return self._paid(operation(name, owner, arguments), owner, *arguments)

    def visit_Filter(self, node: nodes.Filter) -> Value:  # noqa: N802
        """`a | filter`."""
        if node.kwargs or _has_stars(node):
            raise NotCompilableError("Filter")
        value = self._value(node.node)
        arguments = [self._value(argument) for argument in node.args]
        if node.name == "map" and arguments:
            return self._mapped(value, str(arguments[0].constant), arguments[1:])
        return self._called(node.name, filtered, value, arguments)

    def _mapped(self, items: Value, name: str, arguments: Sequence[Value]) -> Value:
        """`a | map("filter")`."""
        item, outside = self._item(), self._price
        self._price = Counter()
        made = self._called(name, filtered, item, arguments)
        if items.kind not in LISTS or made.kind is not Kind.TEXT:
            raise NotCompilableError("map")
        self._price = outside + over_items(self._price, item.code, items)
        code = f"[{made.code} for {item.code} in {items.code}]"
        size = over_items(made.size, item.code, items)
        return self._paid(Value(code, Kind.STREAM, size, items.count), items)

    def visit_Test(self, node: nodes.Test) -> Value:  # noqa: N802
        """A test that the kind of a name answers; other values may be undefined, as `a[9]`."""
        if not isinstance(node.node, nodes.Name):
            raise NotCompilableError("Test")
        value = self._one_of(PRINTED, node.node)
        answers = {
            "defined": True,
            "undefined": False,
            "none": False,
            "string": value.kind is Kind.TEXT,
        }
        if node.name not in answers or node.args or node.kwargs or _has_stars(node):
            raise NotCompilableError("Test")
        return self._paid(Value(f"({answers[node.name]})", Kind.FLAG), value)

    def visit_Compare(self, node: nodes.Compare) -> Value:  # noqa: N802
        """Comparisons, which Python chains as Jinja does."""
        left = self._paid(self._one_of(PRINTED, node.expr))
        code = left.code
        for operand in node.ops:
            right = self._paid(self._one_of(PRINTED | {Kind.TEXTS}, operand.expr))
            are_texts = left.kind is right.kind is Kind.TEXT
            if operand.op in ("in", "notin"):
                fits = are_texts or (left.kind in PRINTED and right.kind is Kind.TEXTS)
                self._price += times(right.size, SEARCH)
            else:
                fits = are_texts or {left.kind, right.kind} <= {Kind.NUMBER, Kind.FLAG}
            if not fits:
                raise NotCompilableError("Compare")
            code, left = f"{code} {_COMPARISONS[operand.op]} {right.code}", right
        return Value(f"({code})", Kind.FLAG)

    def visit_Not(self, node: nodes.Not) -> Value:  # noqa: N802
        """`not a`."""
        return Value(f"(not {self._condition(node.node)})", Kind.FLAG)

    def visit_And(self, node: nodes.And) -> Value:  # noqa: N802
        """`a and b`: the operand that decides."""
        left, right = self._one_of(ASKED, node.left), self._one_of(ASKED, node.right)
        return _one_or_other(f"({left.code} and {right.code})", left, right)

    def visit_Or(self, node: nodes.Or) -> Value:  # noqa: N802
        """`a or b`: the operand that decides."""
        left, right = self._one_of(ASKED, node.left), self._one_of(ASKED, node.right)
        return _one_or_other(f"({left.code} or {right.code})", left, right)

    def visit_CondExpr(self, node: nodes.CondExpr) -> Value:  # noqa: N802
        """One of two values, by a condition."""
        test = self._condition(node.test)
        left, right = self._one_of(ASKED, node.expr1), self._one_of(ASKED, node.expr2)
        return _one_or_other(f"({left.code} if {test} else {right.code})", left, right)

    def visit_Concat(self, node: nodes.Concat) -> Value:  # noqa: N802
        """`a ~ b`."""
        values = [self._one_of(PRINTED, part) for part in node.nodes]
        code = " + ".join(value.printed_code for value in values)
        result = Value(f"({code})", Kind.TEXT, total(value.printed_size for value in values))
        return self._paid(result, result)

    def visit_Add(self, node: nodes.Add) -> Value:  # noqa: N802
        """The sum of two numbers, or two texts together."""
        return self._sum("+", node, frozenset({Kind.NUMBER, Kind.TEXT}))

    def visit_Sub(self, node: nodes.Sub) -> Value:  # noqa: N802
        """The difference of two numbers."""
        return self._sum("-", node, frozenset({Kind.NUMBER}))

    def _sum(self, sign: str, node: nodes.BinExpr, kinds: frozenset[Kind]) -> Value:
        left, right = self._one_of(kinds, node.left), self._one_of(kinds, node.right)
        # Sums of sums could become numbers of any length.
        is_small = left.constant is not None or right.constant is not None
        if left.kind is not right.kind or (left.kind is Kind.NUMBER and not is_small):
            raise NotCompilableError("a sum")
        result = Value(f"({left.code} {sign} {right.code})", left.kind, left.size + right.size)
        return self._paid(result, left, right)

    def visit_Neg(self, node: nodes.Neg) -> Value:  # noqa: N802
        """A number below zero."""
        value = self._one_of(frozenset({Kind.NUMBER}), node.node)
        return Value(f"(-{value.code})", Kind.NUMBER, value.size)

    def visit_List(self, node: nodes.List | nodes.Tuple) -> Value:  # noqa: N802
        """A literal list or tuple of texts."""
        items = [self._one_of(frozenset({Kind.TEXT}), item) for item in node.items]
        size, count = total(item.size for item in items), Counter({"": len(items)})
        code = f"[{', '.join(item.code for item in items)}]"
        return self._paid(Value(code, Kind.TEXTS, size, count))

    visit_Tuple = visit_List  # noqa: N815


def _has_stars(node: nodes.Call | nodes.Filter | nodes.Test) -> bool:
    return node.dyn_args is not None or node.dyn_kwargs is not None


def _one_or_other(code: str, left: Value, right: Value) -> Value:
    kind = left.kind if left.kind is right.kind else Kind.ANY
    return Value(code, kind, left.size + right.size, left.count + right.count)
