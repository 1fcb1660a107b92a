"""The sandbox whose every operation has a price; templates and chat templates render in it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from itertools import islice
from types import BuiltinMethodType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.runtime import Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sftdata.base.limits.budget import (
    CALL,
    MAX_BITS,
    STEP,
    BudgetError,
    check_number,
    spend,
    spend_on,
    spend_on_comparing,
    spend_on_copy,
    spend_on_search,
)
from sftdata.base.limits.code import MeteredCode
from sftdata.base.limits.filters import check_percent_format
from sftdata.base.limits.metering import Metering

# Methods that read no more than their text.
_LOOKS = frozenset({"endswith", "startswith"})
# Units for each character of a text whose method takes no arguments: the result has an item of a
# list, or up to three characters, for it.
_MADE_PER_CHARACTER = STEP // 2 + 3
# Operators whose result is at most one bit longer than the longer number.
_SHORT_OPERATORS = {"+": operator.add, "-": operator.sub, "%": operator.mod}
_SMALL = 1 << 60
_PIECES = 1000  # pieces of printed text that are charged together
# Nodes of a syntax tree; the largest known chat template has 1,400.
MAX_NODES = 10_000
_WIDE_FIELD = re.compile(r"\{[^{}]*:[^{}]*(\{|[0-9]{4})")


class MeteredEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox that charges every operation of a template to the budget."""

    code_generator_class = MeteredCode
    intercepted_binops = frozenset({"*", "**", "%", "+", "-"})

    def __init__(self, **options: Any) -> None:
        # Folding constants while compiling would escape the budget.
        super().__init__(optimized=False, **options)

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        if next(islice(source.find_all(nodes.Node), MAX_NODES, None), None) is not None:
            raise ValueError(f"it has more than {MAX_NODES:,} operations and values")
        metering = Metering(prices_captures=self.finalize is None)
        return super()._generate(metering.visit(source), *args, **kwargs)

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The filter that a template names as text, as in `map('upper')`; no price tag."""
        if not name.isidentifier():
            raise TemplateRuntimeError(f"No filter named {name!r}.")
        return super().call_filter(name, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`left operator right`, charged to the budget before it is computed."""
        if type(left) is int and type(right) is int and operator in _SHORT_OPERATORS:
            number = _SHORT_OPERATORS[operator](left, right)
            if not -_SMALL < number < _SMALL:
                check_number(number)
            return number
        if operator in ("+", "-"):
            if type(left) is str and type(right) is str:
                spend(STEP + len(left) + len(right))
                return super().call_binop(context, operator, left, right)
            if not isinstance(left, (int, float)):
                spend_on_copy(left)
                spend_on_copy(right)
        else:
            _pay_for_operator(operator, left, right)
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int):
            check_number(result)
        return result

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """The result of the call, charged to the budget. Odd names leave all keywords free."""
        if type(__obj) is Macro:  # it pays for the use of its arguments
            spend(CALL)
            result = super().call(__context, __obj, *args, **kwargs)
            spend_on(result)
            return result
        # Jinja's sandbox gives a wrapper for the methods `format` and `format_map` of a text.
        owner = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", None)
        if (
            type(__obj) is BuiltinMethodType
            and type(owner) is str
            and not kwargs
            and (not args or __obj.__name__ in _LOOKS)
        ):
            spend(CALL + _MADE_PER_CHARACTER * len(owner))
            return __obj(*args)
        spend(CALL)
        for value in (owner, *args, *kwargs.values()):
            if not isinstance(value, int):
                spend_on(value)
        if isinstance(owner, (str, bytes, int)):
            args = _pay_for_method(owner, __obj.__name__, args, kwargs)
        result = super().call(__context, __obj, *args, **kwargs)
        spend_on(result)
        return result


def _pay_for_operator(operator: str, left: Any, right: Any) -> None:
    if operator == "*":
        for repeated, times in ((left, right), (right, left)):
            if not isinstance(repeated, (int, float)) and isinstance(times, int):
                size = len(repeated) if hasattr(repeated, "__len__") else 1
                spend(STEP * size * max(0, times))
    elif operator == "**" and isinstance(left, int) and isinstance(right, int):
        if left.bit_length() * abs(right) > 2 * MAX_BITS:
            raise BudgetError(f"a number has more than {MAX_BITS} bits")
    elif operator == "%" and isinstance(left, (str, bytes)):
        spend_on(left)
        check_percent_format(left if isinstance(left, str) else left.decode("latin-1"), right)


def _pay_for_method(
    owner: Any, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    """The arguments, after the method's work is charged."""
    pay = _METHODS.get(method)
    return args if pay is None else pay(owner, args, kwargs)


def _search(text: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    if args and isinstance(args[0], str):
        spend_on_search(text, args[0])
    return args


def _search_from_end(text: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    if args and isinstance(args[0], str):
        spend_on_comparing(text, args[0])
    return args


def _split(text: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    spend(STEP * ((len(text) + 1) // 2))
    return _search(text, (*args, *kwargs.values()), {}) and args


def _split_from_end(text: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    spend(STEP * ((len(text) + 1) // 2))
    return _search_from_end(text, (*args, *kwargs.values()), {}) and args


def _replace(text: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    if len(args) > 1 and isinstance(text, str):
        spend_on_search(text, str(args[0]))
        spend(text.count(str(args[0])) * len(str(args[1])))
    return args


def _join(text: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    if not args:
        return args
    items = list(args[0])
    spend_on(items)
    spend(len(text) * len(items))
    return (items, *args[1:])


def _pad(text: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    for width in (*args, *kwargs.values()):
        if isinstance(width, int):
            spend(abs(width))
    return args


def _expand(text: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    for width in (*args, *kwargs.values()):
        if isinstance(width, int):
            spend(abs(width) * (text.count("\t" if isinstance(text, str) else b"\t") + 1))
    return args


def _translate(text: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    if args and isinstance(args[0], dict):
        longest = max((len(v) for v in args[0].values() if isinstance(v, str)), default=1)
        spend(len(text) * longest)
    return args


def _format(text: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    if _WIDE_FIELD.search(text):
        raise SecurityError("a format is wider than a template may print")
    if text.count("{") > 1000:
        raise SecurityError("a format has more than 1,000 fields")
    for _ in range(text.count("{")):
        spend_on(args)
        spend_on(kwargs)
    return args


_METHODS: dict[str, Callable[[Any, tuple[Any, ...], dict[str, Any]], tuple[Any, ...]]] = {
    **dict.fromkeys(("count", "find", "index", "partition"), _search),
    **dict.fromkeys(("rfind", "rindex", "rpartition"), _search_from_end),
    **dict.fromkeys(("strip", "lstrip", "rstrip"), _search_from_end),
    **dict.fromkeys(("split", "splitlines"), _split),
    **dict.fromkeys(("ljust", "rjust", "center", "zfill", "to_bytes"), _pad),
    **dict.fromkeys(("format", "format_map"), _format),
    "rsplit": _split_from_end,
    "replace": _replace,
    "join": _join,
    "expandtabs": _expand,
    "translate": _translate,
}


def render_counted(template: jinja2.Template, values: dict[str, Any]) -> str:
    """The text of a template of an environment without `finalize`, charged to the budget.

    Not by `Template.render`, which on an error compiles code for tracebacks that nobody sees.
    """
    pieces = template.root_render_func(template.new_context(values))
    made: list[str] = []
    while some := list(islice(pieces, _PIECES)):
        spend(sum(map(len, some)))
        made += some
    return "".join(made)
