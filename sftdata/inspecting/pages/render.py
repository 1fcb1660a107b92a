"""Renders a page: one HTML file with its style inside, no script and no request to any server."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import jinja2

from sftdata.base.escaping import escape, escape_bytes


def render_page(name: str, **values: Any) -> str:
    """The page that the template `name` of this folder makes of `values`.

    Hidden characters in every text become visible, and markup is escaped. Only `markupsafe.Markup`
    passes as it is, and only our own plots are that.
    """
    return _environment().get_template(f"{name}.jinja").render(values)


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    folder = files(__package__)
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text("utf-8")),
        autoescape=True,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "bytes": escape_bytes,
        "change": lambda number: f"{number:+,}",
        "count": lambda number: f"{number:,}",
        "percent": lambda share: f"{share:.1%}",
    }
    return environment


def _visible(value: Any) -> Any:
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return escape(value, keep_newlines=True)
    return value
