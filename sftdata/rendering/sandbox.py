"""The Jinja environment of templates: text in, text out, and nothing else within reach.

Templates come from other people's repositories. They may loop, branch and filter, but they see no
clock, no randomness and no file outside the templates root, and every operation has a cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext

from sftdata.base.limits.budget import counted, spend_on
from sftdata.base.limits.filters import metered_filters, metered_tests
from sftdata.base.limits.metering import require_value
from sftdata.base.limits.sandbox import MeteredEnvironment
from sftdata.rendering.source import find_inside, read_source

# One example is at most a few megabytes of text; a template that makes more is a bomb or a bug.
MAX_RENDERED_CHARS = 32 * 1024 * 1024

# Filters that give text or values of the row and nothing else. Those left out pad to any width
# (center, format, indent, wordwrap, xmlattr, pprint), make HTML, take quadratic time (striptags,
# urlize), draw at random, or go around the sandbox's own way to attributes (attr).
_FILTERS = (
    "abs batch capitalize count d default dictsort filesizeformat first float groupby int items "
    "join last length list lower map max min reject rejectattr replace reverse round select "
    "selectattr slice sort string sum title tojson trim truncate unique upper wordcount"
)

# Methods a template may call. Those left out pad to any width, multiply text, or give bytes.
_STR_METHODS = (
    "capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit "
    "islower isnumeric isspace istitle isupper join lower lstrip partition removeprefix "
    "removesuffix replace rfind rindex rpartition rsplit rstrip split splitlines startswith "
    "strip swapcase title upper"
)
_LOOP_ATTRIBUTES = (
    "changed cycle depth depth0 first index index0 last length nextitem previtem revindex revindex0"
)
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(_STR_METHODS.split()),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    int: frozenset(),
    float: frozenset(),
    bytes: frozenset(),
    range: frozenset(),
    LoopContext: frozenset(_LOOP_ATTRIBUTES.split()),
}


class NondeterminismError(SecurityError):
    """A template that asks for a value that differs from run to run."""

    rule = "NONDETERMINISTIC"


class TemplatesRootLoader(BaseLoader):
    """Loads includes and imports from one folder; a path that leaves it is not found.

    Paths are compared after symbolic links are resolved, so a link cannot lead outside.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Any]:
        """Text, file name and freshness check of the template at `template` under the root."""
        path = find_inside(self._root, template)
        if path is None:
            raise TemplateNotFound(template)
        return read_source(path), str(path), lambda: True


class _StatelessTemplate(jinja2.Template):
    """A template that renders its imports again for each row, so that rows share no state."""

    def _get_default_module(self, ctx: Any = None) -> Any:
        self._module = None
        return super()._get_default_module(ctx)


_tests = cache(metered_tests)


@cache
def _filters() -> Mapping[str, Any]:
    return metered_filters(_FILTERS.split())


class TemplateEnvironment(MeteredEnvironment):
    """The sandbox with everything removed that is not a function of the row."""

    template_class = _StatelessTemplate

    def __init__(self, root: Path | None) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
            undefined=StrictUndefined,
            finalize=_only_values,
            loader=None if root is None else TemplatesRootLoader(root),
        )
        self.globals.pop("lipsum", None)
        self.filters = dict(_filters())
        self.tests = dict(_tests())

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`left + right` or `left - right`; refuses the other intercepted operators.

        `*` and `%` repeat and pad text, `**` makes numbers of any length.
        """
        if operator not in ("+", "-"):
            raise SecurityError(f"the operator '{operator}' is not available in templates")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, (set, frozenset)):
            raise NondeterminismError("it makes a set, whose order differs from run to run")
        return result

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """The result of the call, charged to the budget. Odd names leave all keywords free."""
        if isinstance(getattr(__obj, "__self__", None), str) and __obj.__name__ == "join" and args:
            items = list(counted(args[0]))
            require_value(items)
            args = (items,)
        return super().call(__context, __obj, *args, **kwargs)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read `obj.attr`."""
        allowed = _METHODS.get(type(obj))
        if allowed is not None:
            return attr in allowed
        if isinstance(obj, tuple(_METHODS)):  # a kind of text or list of its own
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Refuses `str.format` and `str.format_map`, which pad to any width."""
        if super().wrap_str_format(value) is not None:
            raise SecurityError("format strings are not available in templates")


@jinja2.pass_context
def _only_values(context: Any, value: Any) -> Any:
    spend_on(value)
    if type(value) is not str:
        require_value(value)
    return value
