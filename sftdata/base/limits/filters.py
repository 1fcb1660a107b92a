"""Jinja's filters and tests, each with its price."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.tests import TESTS
from jinja2.utils import _PassArg

from sftdata.base.limits.budget import (
    CALL,
    STEP,
    counted,
    spend,
    spend_on,
    spend_on_comparing,
    spend_on_item,
    spend_on_search,
)
from sftdata.base.limits.metering import price_tags, require_value

# Filters of sequences. The others take a single value, and may print it.
_OF_SEQUENCES = (
    "batch count d default first groupby join last length list map max min reject rejectattr "
    "reverse select selectattr slice sort sum unique"
)
# Filters that neither read their whole input nor create anything.
_FREE = "count d default first last length"
# Filters that hand the items of their input on as they are, or give each to another priced filter.
_HAND_ON = "batch list map reject rejectattr reverse select selectattr slice"
_FREE_TESTS = (
    "boolean callable defined escaped false float integer iterable mapping none number sameas "
    "sequence string true undefined"
)
_NUMBER_TESTS = frozenset({"divisibleby", "even", "odd"})

_OF_ONE_TEXT: dict[str, Callable[[str], str]] = {
    "capitalize": str.capitalize,
    "lower": str.lower,
    "string": str,
    "trim": str.strip,
    "upper": str.upper,
}

# Index of the positional argument that names an attribute, which may be a long path.
_ATTRIBUTE_AT = {
    "groupby": 0, "join": 1, "map": None, "max": 1, "min": 1, "rejectattr": 0, "selectattr": 0,
    "sort": 2, "sum": 0, "unique": 1,
}  # fmt: skip
# What `_BEFORE` does for these depends on arguments, which nearly no use of them has.
_PAID_BY_ARGUMENTS = frozenset({"round", "tojson", "trim"})
_MAX_STEPS = 8  # of such a path
_MAX_PRECISION = 300  # digits; a float has no more
_MAX_INDENT = 8
_WIDE = re.compile(r"%[^a-zA-Z%]*(\*|[0-9]{4})")


def metered_filters(names: Iterable[str], *, values_only: bool = True) -> Mapping[str, Any]:
    """These filters of Jinja, each with its price, and the price tags of `metering`.

    With `values_only` they refuse to print anything but values.
    """
    kept = {name: _metered(name, FILTERS[name], values_only=values_only) for name in names}
    return kept | price_tags(values_only=values_only)


def metered_tests() -> Mapping[str, Any]:
    """Jinja's tests, each with its price."""
    tests: Mapping[str, Any] = TESTS
    priced = {
        name: _metered(f"is {name}", test, values_only=False)
        for name, test in tests.items()
        if name not in _FREE_TESTS.split()
    }
    return {**tests, **priced}


def metered(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of our own with its price."""
    return _metered(name, function, values_only=False)


def _metered(name: str, function: Callable[..., Any], *, values_only: bool) -> Callable[..., Any]:
    if name in _FREE.split():
        return function
    if name in _OF_ONE_TEXT:
        return _with_shortcut(_OF_ONE_TEXT[name], _priced(name, function, values_only=values_only))
    return _priced(name, function, values_only=values_only)


def _with_shortcut(method: Callable[[str], str], metered: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter, faster for a text without arguments: nearly every use."""

    @jinja2.pass_context
    def shortcut(context: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if type(value) is str and not args and not kwargs:
            spend(2 * CALL + 4 * len(value))  # in upper case three characters can stand for one
            return method(value)
        return metered(context, value, *args, **kwargs)

    return shortcut


def _priced(name: str, function: Callable[..., Any], *, values_only: bool) -> Callable[..., Any]:
    passed = _PassArg.from_obj(function)
    before = _BEFORE.get(name)
    before_alone = None if name in _PAID_BY_ARGUMENTS else before
    attribute_at = _ATTRIBUTE_AT.get(name, -1)
    needs_value = values_only and name not in _OF_SEQUENCES.split()
    joins_values = values_only and name == "join"
    hands_on = name in _HAND_ON.split()

    reads_all = passed is None and not (before_alone or hands_on or needs_value or joins_values)
    reads_all = reads_all and attribute_at == -1

    @jinja2.pass_context
    def metered(context: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:  # nearly every use of a filter
            if type(value) is str and passed is None and not before_alone:
                spend(2 * CALL + len(value))
                return _paid(function(value))
            if reads_all:
                spend_on(value)
                result = function(value)
                if type(result) is str:
                    spend(CALL + STEP + len(result))
                    return result
                spend(CALL)
                return _paid(result)
        spend(CALL)
        if needs_value:
            require_value(value)
        if hands_on:
            spend_on_item(value)
        else:
            spend_on(value)
        for given in (*args, *kwargs.values()):
            spend_on(given)
            if isinstance(given, int):
                spend(abs(given))  # a width, a number of parts, a precision
        if before is not None and (args or kwargs or before_alone):
            value = before(value, args, kwargs)
        if joins_values:
            require_value(value)
        if attribute_at != -1:
            value = _paid_by_step(value, attribute_at, args, kwargs)
        if passed is None:
            return _paid(function(value, *args, **kwargs))
        return _paid(function(_first_argument(passed, context), value, *args, **kwargs))

    return metered


def _paid(result: Any) -> Any:
    """The result of a filter with its price; that of a lazy one is paid for item by item."""
    if type(result) is not str and isinstance(result, Iterator):
        return counted(result)
    spend_on(result)
    return result


def _first_argument(passed: _PassArg, context: Any) -> Any:
    if passed is _PassArg.context:
        return context
    return context.eval_ctx if passed is _PassArg.eval_context else context.environment


def _argument(names: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The argument `name` of a filter whose arguments are `names`, in order; None without it."""
    return (dict(zip(names.split(), args, strict=False)) | kwargs).get(name)


def _paid_by_step(value: Any, at: int | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The items of `value`, each with the price of its attributes; `value` if none is read."""
    path = kwargs.get("attribute")
    if path is None and at is not None and at < len(args):
        path = args[at]
    if not isinstance(path, str):
        return value
    steps = path.count(".") + path.count(",") + 1
    if steps > _MAX_STEPS:
        raise SecurityError(f"an attribute has {steps} steps; at most {_MAX_STEPS} are available")
    return counted(value, CALL * steps)


_REPLACED = ("old", "new")


def _pay_for_replace(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    given = args if len(args) > 1 else [_argument("old new", n, args, kwargs) for n in _REPLACED]
    old, new = (str(text or "") for text in given[:2])
    text = str(value)
    spend_on_search(text, old)
    spend(text.count(old) * len(new))
    return value


def _pay_for_join(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    items = list(value)
    separator = str(_argument("d", "d", args, kwargs) or "")
    spend_on(items)
    spend(len(separator) * len(items))
    return items


def _pay_for_list(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if isinstance(value, str):
        spend(STEP * len(value))
    return value


def _pay_for_trim(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    chars = _argument("chars", "chars", args, kwargs)
    if isinstance(chars, str):
        spend_on_comparing(str(value), chars)
    return value


def _pay_for_sum(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if isinstance(_argument("attribute start", "start", args, kwargs), (list, tuple)):
        items = list(value)
        longest = max((len(item) for item in items if isinstance(item, (list, tuple))), default=0)
        spend(STEP * longest * len(items) ** 2)  # each sum is a new list
        return items
    return value


def _pay_for_indent(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    width = _argument("width", "width", args, kwargs)
    size = len(width) if isinstance(width, str) else width if isinstance(width, int) else 4
    spend((str(value).count("\n") + 1) * abs(size))
    return value


def _check_format(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    check_percent_format(str(value), (*args, *kwargs.values()))
    return value


def check_percent_format(text: str, given: Any) -> None:
    """Refuses a `%` format that pads to a great width, and pays for all that it prints."""
    if _WIDE.search(text):
        raise SecurityError("a format is wider than a template may print")
    for _ in range(min(text.count("%"), 1000)):
        spend_on(given)
    if text.count("%") > 1000:
        raise SecurityError("a format has more than 1,000 fields")


def _check_precision(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    precision = _argument("precision", "precision", args, kwargs)
    if isinstance(precision, int) and abs(precision) > _MAX_PRECISION:
        raise SecurityError(f"the filter 'round' rounds to at most {_MAX_PRECISION} digits")
    return value


def _check_indent(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    indent = _argument("indent", "indent", args, kwargs)
    if indent is not None and not (isinstance(indent, int) and 0 <= indent <= _MAX_INDENT):
        raise SecurityError(f"the filter 'tojson' indents by at most {_MAX_INDENT} spaces")
    return value


def _check_number(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if isinstance(value, str):  # `%` would take it for a format
        raise TypeError("a number is expected, not a text")
    return value


_BEFORE: dict[str, Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]] = {
    "replace": _pay_for_replace,
    "join": _pay_for_join,
    "list": _pay_for_list,
    "trim": _pay_for_trim,
    "sum": _pay_for_sum,
    "indent": _pay_for_indent,
    "format": _check_format,
    "round": _check_precision,
    "tojson": _check_indent,
    **{f"is {name}": _check_number for name in _NUMBER_TESTS},
}
