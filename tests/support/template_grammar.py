"""Template bodies put together at random by a grammar of what Jinja takes.

Most are tame: typed as the compiler's code is, so that most of their blocks are compiled. The
others use all of Jinja, with errors. A seed gives the same bodies on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Make = Callable[[int], str]  # of an expression at this depth

_LITERALS = (
    "''", "' '", "','", "'x'", "'x y'", "'\\n'", "'XyZ'", "'{}'", "'{0}%s'", "'é'", '"it\'s"',
    "'\\\\'", "'%'", "'ßİ'", "'\\u2028'", "'0'",
)  # fmt: skip
_NUMBERS = ("0", "1", "2", "7", "-1", "-3", "30", "n")
_ODD_NUMBERS = ("999999999", "1000000000", "1.5", "1e400", "x", "f")
_TEXT_FILTERS = (
    "trim", "upper", "lower", "title", "capitalize", "string", "reverse", "default('z')",
    "d('z', true)", "truncate(9)", "truncate(3, true, '-', 0)", "replace('x', 'yyy')",
    "replace(' ', '')", "trim('x')",
)  # fmt: skip
_ODD_TEXT_FILTERS = (
    "replace('', '-')", "trim(b)", "default(value='q')", "truncate(length=4)", "tojson",
    "replace('x', 'y', 1)", "list", "int", "sort|join", "default(n)", "truncate(b)",
)  # fmt: skip
_TEXT_METHODS = (
    "strip()", "lstrip('x')", "rstrip()", "swapcase()", "casefold()", "title()",
    "removeprefix('x')", "removesuffix(b)", "replace('y','')", "upper()", "capitalize()",
)  # fmt: skip
_ODD_TEXT_METHODS = (
    "center(9)", "zfill(7)", "ljust(5, '-')", "expandtabs(2)", "format(a)", "strip(b)",
    "replace('x','yy',1)", "strip(n)", "upper(1)", "missing()", "replace(a, b)",
)  # fmt: skip
_LIST_FILTERS = (
    "list", "select|list", "map('upper')|list", "map('trim')|select|list",
    "map('replace', 'x', 'y')|list", "map('default', 'z')|list",
)  # fmt: skip
_ODD_LIST_FILTERS = (
    "sort|list", "unique|list", "reverse|list", "reject|list", "batch(2)|list", "sort",
    "map('length')|list", "reject('in', 'xy')|list", "select('equalto', 'x')|list",
)  # fmt: skip
_ITEM_FILTERS = ("first", "last", "join", "join(', ')")
_STREAM_FILTERS = ("map('trim')", "map('string')", "map('upper')", "select")
_ODD_STREAM_FILTERS = ("select('string')", "reject", "unique", "reverse", "map('length')")
_FLAG_METHODS = ("isdigit()", "startswith('x')", "endswith(b)", "isspace()", "isupper()")
_TESTS = ("defined", "undefined", "none", "string", "not defined", "not string")
_ODD_TESTS = (
    "number", "iterable", "sameas 'x'", "equalto 'x'", "in 'xyz'", "lower", "mapping", "sequence",
    "boolean", "divisibleby 2", "odd", "callable", "eq(b)", "integer",
)  # fmt: skip
_LOOP_NUMBERS = ("loop.index", "loop.index0", "loop.revindex", "loop.revindex0", "loop.length")
_LOOP_FLAGS = ("loop.first", "loop.last")
_ODD_LOOP = (
    "loop.previtem", "loop.nextitem", "loop.depth", "loop.cycle('x', b)", "loop.changed(item)",
    "loop",
)  # fmt: skip
_SPLITS = ("split()", "split(',')", "split(' ', 1)", "rsplit(',', 1)", "splitlines()")
_DATA = (
    "- ", "\n", "é { ", 'it\'s \\ "so"', "{{ '{{' }}", "{# c #}", "{% raw %}{{ a{% endraw %}",
    "\n  ", "f'{x}' ", "{ {{ a }} }",
)  # fmt: skip
_COMPARE = ("==", "!=", "<", "<=", ">", ">=")
_MAX_DEPTH, _MAX_NESTED = 3, 2


class TemplateGrammar:
    """Draws template bodies from a random generator."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._is_wild = False
        self._loops = 0
        self._texts: list[str] = []  # names that are texts at this place
        self._lists: list[str] = []

    def body(self) -> str:
        """The inside of a block that reads texts `a`, `b` and `loop`, and `n`, `x` and `f`."""
        self._is_wild = self._rng.random() < 0.3
        self._texts, self._lists, self._loops = ["a", "b", "a", "b", "loop"], [], 0
        return self._lines(0, self._rng.randint(1, 3))

    def _one(self, usual: Sequence[str], odd: Sequence[str] = ()) -> str:
        return self._rng.choice(odd if odd and self._is_odd() else usual)

    def _is_odd(self) -> bool:
        return self._is_wild and self._rng.random() < 0.3

    def _of(self, depth: int, leaf: Callable[[], str], usual: Sequence[Make], odd: Make) -> str:
        """A leaf, or a node while the expression is not deep yet."""
        if depth >= _MAX_DEPTH or self._rng.random() < 0.35:
            return leaf()
        return (odd if self._is_odd() else self._rng.choice(usual))(depth + 1)

    # --- statements -------------------------------------------------------------------------------

    def _lines(self, depth: int, number: int) -> str:
        return "".join(self._line(depth) for _ in range(number))

    def _line(self, depth: int) -> str:
        draw = self._rng.random()
        if draw < 0.25:
            return self._one(_DATA)
        if draw < 0.6 or depth >= _MAX_NESTED:
            return self._printed()
        if self._is_odd():
            return self._other(depth + 1)
        return self._rng.choice((self._if, self._for, self._set))(depth + 1)

    def _printed(self) -> str:
        left, right = self._rng.choice([("{{ ", " }}")] * 6 + [("{{- ", " }}"), ("{{ ", " -}}")])
        value = self._any(1)
        if self._rng.random() < 0.15:
            value = f"{value} if {self._flag(1)}"
        return left + value + right

    def _tag(self, text: str) -> str:
        left, right = self._rng.choice([("{% ", " %}")] * 6 + [("{%- ", " %}"), ("{%+ ", " -%}")])
        return left + text + right

    def _scoped(self, depth: int, number: int) -> str:
        """Lines whose names are gone after them, unless the template is wild."""
        names = list(self._texts), list(self._lists)
        lines = self._lines(depth, number)
        if not self._is_wild:
            self._texts, self._lists = names
        return lines

    def _if(self, depth: int) -> str:
        parts = [self._tag(f"if {self._flag(1)}"), self._scoped(depth, self._rng.randint(0, 2))]
        if self._rng.random() < 0.3:
            parts += [self._tag(f"elif {self._flag(1)}"), self._scoped(depth, 1)]
        if self._rng.random() < 0.4:
            parts += [self._tag("else"), self._scoped(depth, 1)]
        return "".join([*parts, self._tag("endif")])

    def _for(self, depth: int) -> str:
        name = self._one(("item", "i", "c"), ("a", "n"))
        over = self._rng.choice((self._list, self._list, self._stream))(1)
        names = list(self._texts)
        self._texts += [name] * 3
        test = f" if {self._flag(2)}" if self._rng.random() < 0.3 else ""
        self._loops += 1
        parts = [self._tag(f"for {name} in {over}{test}")]
        parts.append(self._scoped(depth, self._rng.randint(0, 2)))
        self._loops -= 1
        if not self._is_wild:
            self._texts = names
        if self._rng.random() < 0.2:
            parts += [self._tag("else"), self._scoped(depth, 1)]
        return "".join([*parts, self._tag("endfor")])

    def _set(self, depth: int) -> str:
        name = f"s{self._rng.randint(0, 99)}" if not self._is_odd() else "a"
        if self._rng.random() < 0.3:
            statement = self._tag(f"set {name} = {self._list(1)}")
            self._lists.append(name)
        else:
            statement = self._tag(f"set {name} = {self._text(1)}")
            self._texts.append(name)
        return statement + self._line(depth)

    def _other(self, depth: int) -> str:
        inner, value = self._lines(depth, 1), self._text(2)
        return self._rng.choice(
            [
                f"{{% filter upper %}}{inner}{{% endfilter %}}",
                f"{{% macro m(y, z='d') %}}{inner}{{{{ y }}}}{{% endmacro %}}{{{{ m({value}) }}}}",
                f"{{% set c %}}{inner}{{% endset %}}{{{{ c }}}}",
                f"{{% with c = {value} %}}{inner}{{{{ c }}}}{{% endwith %}}",
                "{% set s = namespace(v='') %}{% for i in a %}{% set s.v = s.v ~ i %}{% endfor %}"
                "{{ s.v }}",
            ]
        )

    # --- expressions ------------------------------------------------------------------------------

    def _any(self, depth: int) -> str:
        if self._is_odd():
            return self._one(("missing", "none", "x + 1", "-n", "n / 2", "{'k': a}.k", "[a, n]"))
        return self._rng.choice((self._text, self._text, self._number, self._flag))(depth)

    def _text_leaf(self) -> str:
        return self._one(self._texts if self._rng.random() < 0.6 else _LITERALS, _ODD_LOOP)

    def _text(self, depth: int) -> str:
        return self._of(
            depth,
            self._text_leaf,
            (
                lambda d: f"({self._text(d)}|{self._one(_TEXT_FILTERS, _ODD_TEXT_FILTERS)})",
                lambda d: f"({self._text(d)}).{self._one(_TEXT_METHODS, _ODD_TEXT_METHODS)}",
                lambda d: f"({self._text(d)} ~ {self._any(d)})",
                lambda d: f"({self._text(d)} + {self._text(d)})",
                lambda d: f"({self._text(d)} if {self._flag(d)} else {self._text(d)})",
                lambda d: f"({self._text(d)} {self._one(('or', 'and'))} {self._text(d)})",
                lambda d: f"({self._text(d)})[{self._slice(d)}]",
                lambda d: f"({self._list(d)})[{self._number(d)}]",
                lambda d: f"({self._list(d)}|{self._one(_ITEM_FILTERS, ('max', 'random'))})",
                lambda d: f"({self._stream(d)}|{self._one(('first', 'join', 'join(b)'))})",
                lambda d: f"({self._one(_LITERALS)}).join({self._list(d)})",
            ),
            lambda d: f"({self._text(d)} {self._one(('%', '*'))} {self._any(d)})",
        )

    def _slice(self, depth: int) -> str:
        bounds = [self._rng.choice(["", self._number(depth)]) for _ in range(2)]
        step = self._rng.choice(["", "", "", ":-1", ":2", f":{self._number(depth)}"])
        return f"{bounds[0]}:{bounds[1]}{step}"

    def _list_leaf(self) -> str:
        if self._lists and self._rng.random() < 0.5:
            return self._one(self._lists)
        if self._rng.random() < 0.5:
            return f"{self._one(self._texts)}.{self._one(_SPLITS)}"
        return self._one(("['x', b]", "(a, 'y', b)", "[a]"), ("[]", "range(n)", "[n, a]", "a"))

    def _list(self, depth: int) -> str:
        return self._of(
            depth,
            self._list_leaf,
            (
                lambda d: f"({self._list(d)}|{self._one(_LIST_FILTERS, _ODD_LIST_FILTERS)})",
                lambda d: f"({self._list(d)})[{self._slice(d)}]",
                lambda d: f"({self._text(d)}).{self._one(_SPLITS)}",
                lambda d: f"({self._text(d)}).split({self._text(d)})",
                lambda d: f"[{self._text(d)}, {self._text(d)}]",
                lambda d: f"({self._list(d)} or {self._list(d)})",
                lambda d: f"({self._list(d)} if {self._flag(d)} else {self._list(d)})",
            ),
            lambda d: f"({self._list(d)} + {self._list(d)})",
        )

    def _stream(self, depth: int) -> str:
        return f"({self._list(depth + 1)}|{self._one(_STREAM_FILTERS, _ODD_STREAM_FILTERS)})"

    def _number_leaf(self) -> str:
        if self._loops and self._rng.random() < 0.4:
            return self._one(_LOOP_NUMBERS)
        return self._one(_NUMBERS, _ODD_NUMBERS)

    def _number(self, depth: int) -> str:
        return self._of(
            depth,
            self._number_leaf,
            (
                lambda d: f"({self._text(d)}|{self._one(('length', 'count', 'wordcount'))})",
                lambda d: f"({self._list(d)}|length)",
                lambda d: f"({self._text(d)}).{self._one(('count', 'find'))}({self._text(d)})",
                lambda d: f"({self._number(d)} {self._one('+-')} {self._one(_NUMBERS[:4])})",
                lambda d: f"(-{self._number(d)})",
            ),
            lambda d: f"({self._number(d)} {self._one(('*', '//', '%', '/'))} {self._number(d)})",
        )

    def _flag_leaf(self) -> str:
        if self._loops and self._rng.random() < 0.4:
            return self._one(_LOOP_FLAGS, _ODD_LOOP)
        return self._rng.choice(
            [
                self._one(("true", "false", "f", "a", "n", "x"), ("none", "missing")),
                f"{self._one(self._texts)} is {self._one(_TESTS, _ODD_TESTS)}",
            ]
        )

    def _flag(self, depth: int) -> str:
        return self._of(
            depth,
            self._flag_leaf,
            (
                lambda d: f"({self._number(d)} {self._one(_COMPARE)} {self._number(d)})",
                lambda d: f"({self._text(d)} {self._one(_COMPARE)} {self._text(d)})",
                lambda d: f"({self._text(d)} {self._one(('in', 'not in'))} {self._text(d)})",
                lambda d: f"({self._text(d)} {self._one(('in', 'not in'))} {self._list(d)})",
                lambda d: f"('a' {self._one(_COMPARE)} {self._text(d)} <= {self._text(d)})",
                lambda d: f"(not {self._rng.choice((self._text, self._list, self._flag))(d)})",
                lambda d: f"({self._flag(d)} {self._one(('and', 'or'))} {self._any(d)})",
                lambda d: f"({self._text(d)}).{self._one(_FLAG_METHODS)}",
                lambda d: f"({self._number(d)} == {self._one(('n', 'x', 'f', 'true'))})",
            ),
            lambda d: f"({self._any(d)}) is {self._one((*_TESTS, *_ODD_TESTS))}",
        )
