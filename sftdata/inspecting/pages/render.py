"""Pages: one file each, with its style inside, no script, and no request to anywhere."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import jinja2

from sftdata.base.escaping import escape, escape_bytes


def render_page(name: str, **values: Any) -> str:
    """The page of a template in this folder.

    Every text it puts in has its hidden characters made visible and its markup escaped; there is
    no way round that but `markupsafe.Markup`, which only our own plots are.
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
        "count": lambda number: f"{number:,}",
        "percent": lambda share: f"{share:.1%}",
    }
    return environment


def _visible(value: Any) -> Any:
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return escape(value, keep_newlines=True)
    return value
