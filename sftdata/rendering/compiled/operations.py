"""Methods and filters of Jinja as Python code that compiled blocks can use.

Each gives the same text as Jinja's own for values of these kinds. The result is None for any other
method, filter or use: then Jinja renders the block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import jinja2
from jinja2.filters import FILTERS

from sftdata.rendering.compiled.values import (
    LISTS,
    PRINTED,
    Kind,
    NotCompilableError,
    Size,
    Value,
    times,
)

_NO_LONGER = {"lstrip", "removeprefix", "removesuffix", "rstrip", "strip"}
_CASES = {"capitalize", "casefold", "lower", "swapcase", "title", "upper"}
_OF_NUMBER = {"count", "find", "rfind"}
_OF_TEXTS = {"rsplit", "split", "splitlines"}
_OF_FLAG = {
    "endswith", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric",
    "isspace", "istitle", "isupper", "startswith",
}  # fmt: skip

# What the budget asks for a search, at most, for each character of the text that is searched.
SEARCH = 7
_SEARCHES = {"count", "find", "index", "partition", "replace", "split"}
_COMPARES = {"lstrip", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "strip", "trim"}

_CASE_GROWTH = 3  # characters that one character can become: U+0390 in upper case
_ELLIPSIS = 3  # characters that `truncate` puts at the end where nothing else is asked for

_FILTERS_AS_METHODS = {
    "capitalize": "capitalize", "lower": "lower", "replace": "replace", "trim": "strip",
    "upper": "upper",
}  # fmt: skip

# Jinja's own functions, under the names that compiled blocks have for them.
FUNCTIONS: dict[str, Any] = {
    "title": FILTERS["title"],
    "wordcount": FILTERS["wordcount"],
    "truncate": partial(FILTERS["truncate"], jinja2.Environment()),  # for its policies
}


def method(name: str, owner: Value, arguments: Sequence[Value]) -> Value | None:
    """The value of `owner.name(arguments)`."""
    if owner.kind is not Kind.TEXT:
        return None
    code = f"{owner.code}.{name}({', '.join(argument.code for argument in arguments)})"
    match name, arguments:
        case "join", [items] if items.kind in LISTS and owner.constant is not None:
            return Value(code, Kind.TEXT, items.size + times(items.count, len(owner.constant)))
        case "replace", [Value(constant=str(old)), Value(constant=str(new))] if old:
            return Value(code, Kind.TEXT, times(owner.size, max(1, len(new))))
    if any(argument.kind not in PRINTED for argument in arguments):
        return None
    if name in _NO_LONGER:
        return Value(code, Kind.TEXT, owner.size)
    if name in _CASES:
        return Value(code, Kind.TEXT, times(owner.size, _CASE_GROWTH))
    if name in _OF_TEXTS:
        return Value(code, Kind.TEXTS, owner.size, owner.size + _constant(1))
    if name in _OF_FLAG:
        return Value(code, Kind.FLAG)
    return Value(code, Kind.NUMBER) if name in _OF_NUMBER else None


def filtered(name: str, value: Value, arguments: Sequence[Value]) -> Value | None:
    """The value of `value | name(arguments)`."""
    if value.kind is Kind.TEXT and name in _FILTERS_AS_METHODS:
        return method(_FILTERS_AS_METHODS[name], value, arguments)
    code, size = value.code, value.size
    match name, value.kind, [argument.constant for argument in arguments]:
        case "length" | "count", Kind.TEXT | Kind.TEXTS, []:
            return Value(f"len({code})", Kind.NUMBER)
        case "string", Kind.TEXT | Kind.NUMBER | Kind.FLAG, []:
            return Value(value.printed_code, Kind.TEXT, value.printed_size)
        case "default" | "d", Kind.TEXT | Kind.NUMBER, [] | [_] | [_, False]:
            return value
        case "default" | "d", Kind.TEXT, [str(other), True]:
            return Value(
                f"({code} or {arguments[0].code})", Kind.TEXT, size + _constant(len(other))
            )
        case "join", Kind.TEXTS | Kind.STREAM, []:
            return Value(f"join({code})", Kind.TEXT, size)
        case "join", Kind.TEXTS | Kind.STREAM, [_]:
            return method("join", arguments[0], [value])
        case "first", Kind.TEXTS | Kind.STREAM, []:
            return Value(f"{code}[0]", Kind.TEXT, size)
        case "last", Kind.TEXTS, []:
            return Value(f"{code}[-1]", Kind.TEXT, size)
        case "list", Kind.TEXTS | Kind.STREAM, []:
            return Value(f"list({code})", Kind.TEXTS, size, value.count)
        case "select", Kind.TEXTS | Kind.STREAM, []:
            return Value(f"[x for x in {code} if x]", Kind.STREAM, size, value.count)
        case "reverse", Kind.TEXT, []:
            return Value(f"{code}[::-1]", Kind.TEXT, size)
        case "title", Kind.TEXT, []:
            return Value(f"title({code})", Kind.TEXT, times(size, _CASE_GROWTH))
        case "wordcount", Kind.TEXT, []:
            return Value(f"wordcount({code})", Kind.NUMBER)
        case "truncate", Kind.TEXT, constants if None not in constants:
            code = ", ".join([code, *(argument.code for argument in arguments)])
            end = max([len(c) for c in constants if isinstance(c, str)], default=_ELLIPSIS)
            return Value(f"truncate({code})", Kind.TEXT, size + _constant(end))
    return None


def search_price(name: str, owner: Value, arguments: Sequence[Value]) -> Size:
    """The price of searching the first argument in `owner`, besides reading both.

    Raises `NotCompilableError` where the price is a product of two lengths.
    """
    if name in _SEARCHES:
        return times(owner.size, SEARCH)
    if name in _COMPARES and arguments:
        if not isinstance(arguments[0].constant, str):
            raise NotCompilableError("a product of lengths")
        return times(owner.size, 1 + len(arguments[0].constant))
    return Counter()


def _constant(number: int) -> Size:
    return Counter({"": number})
