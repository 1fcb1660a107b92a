"""The Jinja environment of templates: text in, text out, and nothing else within reach.

Templates come from other people's repositories. They may loop, branch and filter, but they see no
clock, no randomness, no file outside the templates root, and no cheap way to make huge strings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, Undefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

# One example is at most a few megabytes of text; a template that makes more is a bomb or a bug.
MAX_RENDERED_CHARS = 256 * 1024 * 1024

# A width argument turns ten characters of template into gigabytes of padding.
_PADDING_METHODS = frozenset({"center", "encode", "expandtabs", "ljust", "rjust", "zfill"})
_PADDING_FILTERS = ("center", "format", "indent", "wordwrap", "xmlattr", "pprint")
_NONDETERMINISTIC = ("lipsum",)
_PRINTABLE = (str, int, float, list, tuple, dict, Undefined, type(None))


class TemplatesRootLoader(BaseLoader):
    """Loads includes and imports from one folder; a path that leaves it is not found.

    Paths are compared after symbolic links are resolved, so a link cannot lead outside.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Any]:
        """Text, file name and freshness check of the template at `template` under the root."""
        path = (self._root / template).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            raise TemplateNotFound(template)
        return path.read_text(encoding="utf-8"), str(path), lambda: True


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox with everything removed that is not a function of the row."""

    # `*` and `%` repeat and pad text, `**` makes numbers of any length.
    intercepted_binops = frozenset({"*", "**", "%"})

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
        for name in _NONDETERMINISTIC:
            self.globals.pop(name, None)
        for name in (*_PADDING_FILTERS, "random"):
            self.filters.pop(name, None)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> NoReturn:
        """Refuses the intercepted operators, whatever their operands."""
        raise SecurityError(f"the operator '{operator}' is not available in templates")

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read `obj.attr`."""
        if isinstance(obj, str) and attr in _PADDING_METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Refuses `str.format` and `str.format_map`, which pad to any width."""
        if super().wrap_str_format(value) is not None:
            raise SecurityError("format strings are not available in templates")


def _only_values(value: Any) -> Any:
    """Refuses to print what is no value: its text would hold an address in memory."""
    if not isinstance(value, _PRINTABLE):
        raise SecurityError(f"a template cannot print a {type(value).__name__}")
    return value
