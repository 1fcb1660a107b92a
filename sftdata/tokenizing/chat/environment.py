"""The sandbox that chat templates render in, with what transformers gives them.

Chat templates come from tokenizer directories, so they reach no file, clock or Python object, and
render within a budget.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, ClassVar, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.compiler import Frame
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext
from jinja2.utils import Namespace

from sftdata.base.limits.code import MeteredCode
from sftdata.base.limits.filters import metered, metered_filters, metered_tests
from sftdata.base.limits.sandbox import MeteredEnvironment

# Filters that draw at random, or whose time or text is more than the budget can tell before.
_LEFT_OUT = {"pprint", "random", "striptags", "urlize", "wordwrap", "xmlattr"}
_MAX_INDENT = 8
_MAX_FORMAT = 200  # characters: of a date, and of what stands between the items of JSON
_ATTRIBUTES_OF_DICT = frozenset(dir(dict))
_ATTRIBUTES_OF_LOOP = ("first", "index", "index0", "last", "length", "revindex", "revindex0")
_METHODS_OF_TEXT = (
    "endswith", "find", "lower", "lstrip", "replace", "rstrip", "split", "startswith", "strip",
    "upper",
)  # fmt: skip
_ENCODER = json.JSONEncoder(ensure_ascii=False)


class ExplicitRefusal(jinja2.TemplateError):
    """Raised by `raise_exception`: the template itself refuses a conversation, with a reason."""


def chat_environment() -> MeteredEnvironment:
    """An environment for chat templates, without a clock.

    Render them with `render_counted`, in `limited_by_length`.
    """
    environment = _Sandbox(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _Generation],
    )
    environment.filters = dict(_filters())
    environment.tests = dict(_tests())
    environment.globals.pop("lipsum", None)
    environment.globals["raise_exception"] = _refuse
    environment.globals["namespace"] = _PublicNamespace
    return environment


@cache
def _filters() -> Mapping[str, Any]:
    names = sorted(FILTERS.keys() - _LEFT_OUT)
    return {
        **metered_filters(names, values_only=False),
        "tojson": metered("tojson", _to_json),
    }


_tests = cache(metered_tests)


def date_function(date: datetime.date) -> Callable[[str], str]:
    """`strftime_now` for this date."""

    def strftime_now(pattern: str) -> str:
        if len(pattern) > _MAX_FORMAT:
            raise SecurityError("the format of a date is too long")
        return date.strftime(pattern)

    return strftime_now


def compile_chat_template(source: str) -> jinja2.Template:
    """The template of `source`. Raises `jinja2.TemplateError` when it does not parse."""
    return chat_environment().from_string(source)


class _ChatCode(MeteredCode):
    """Reads keys of messages, and the place in a loop, without a call."""

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802
        """What `_Sandbox.getattr` does, for the kinds of value that are read most."""
        attribute = repr(node.attr)
        if not isinstance(node.node, nodes.Name):
            super().visit_Getattr(node, frame)
        elif node.node.name == "loop" and node.attr in _ATTRIBUTES_OF_LOOP:
            self.write("(held.")
            self.write(f"{node.attr} if type(held := ")
            self.visit(node.node, frame)
            self.write(f") is LoopContext else environment.getattr(held, {attribute}))")
        elif node.attr not in _ATTRIBUTES_OF_DICT:
            self.write(f"(held[{attribute}] if type(held := ")
            self.visit(node.node, frame)
            self.write(f") is dict and {attribute} in held ")
            self.write(f"else environment.getattr(held, {attribute}))")
        else:
            super().visit_Getattr(node, frame)


@contextmanager
def _syntax_errors() -> Iterator[None]:
    """Makes errors of Python's compiler, and those of deep nesting, errors of the template."""
    try:
        yield
    except (RecursionError, MemoryError) as error:
        raise jinja2.TemplateSyntaxError("it is nested too deeply", 1) from error
    except (SyntaxError, ValueError, OverflowError) as error:  # too many loops or digits
        raise jinja2.TemplateSyntaxError(f"it cannot be compiled: {error}", 1) from error


class _Sandbox(MeteredEnvironment):
    """The sandbox, faster where templates spend most of their time: reading keys and methods."""

    code_generator_class = _ChatCode
    _safe: ClassVar[dict[tuple[type, str], bool]] = {}

    def parse(self, *args: Any, **kwargs: Any) -> nodes.Template:
        """The syntax tree. Every fault of the source is a `TemplateSyntaxError`."""
        with _syntax_errors():
            return super().parse(*args, **kwargs)

    def compile(self, *args: Any, **kwargs: Any) -> Any:
        """The code. Every fault of the source is a `TemplateSyntaxError`."""
        with _syntax_errors():
            return super().compile(*args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The attribute, or else the item, of that name."""
        kind = type(obj)
        if (kind is LoopContext and attribute in _ATTRIBUTES_OF_LOOP) or (
            kind is str and attribute in _METHODS_OF_TEXT
        ):
            return getattr(obj, attribute)
        if kind is _PublicNamespace and attribute[:1] != "_":
            try:
                return getattr(obj, attribute)
            except AttributeError:
                return self.undefined(obj=obj, name=attribute)
        if kind is not dict or attribute in _ATTRIBUTES_OF_DICT:
            return super().getattr(obj, attribute)
        return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read the attribute: its name and the type of `obj` decide."""
        key = type(obj), attr
        if key not in self._safe:
            self._safe[key] = super().is_safe_attribute(obj, attr, value)
        return self._safe[key]


class _PublicNamespace(Namespace):
    """A namespace whose names must not start with an underscore."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            raise SecurityError(f"the name {name!r} is not available in templates")
        super().__setitem__(name, value)


class _Generation(Extension):
    """`{% generation %}`: a mark some templates put around the assistant's text; it has no text.

    As in transformers, what is set inside is not seen outside.
    """

    tags = {"generation"}  # noqa: RUF012 - the name and the type are Jinja's

    def parse(self, parser: Any) -> nodes.Node:
        """The marked text as if it were not marked."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_unchanged"), [], [], body).set_lineno(line)

    def _unchanged(self, caller: Any) -> str:
        return str(caller())


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    if (ensure_ascii, indent, separators, sort_keys) == (False, None, None, False):
        return _ENCODER.encode(value)  # `json.dumps` would make an encoder for each call
    if indent is not None and not 0 <= indent <= _MAX_INDENT:
        raise SecurityError(f"the filter 'tojson' indents by at most {_MAX_INDENT} spaces")
    if separators is not None and sum(map(len, separators)) > _MAX_FORMAT:
        raise SecurityError("the separators of the filter 'tojson' are too long")
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _refuse(message: str) -> NoReturn:
    raise ExplicitRefusal(message)
