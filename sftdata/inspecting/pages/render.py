"""Renders a page: one HTML file with its style inside, no script and no request to any server."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from sftdata.base.escaping import escape, escape_bytes
from sftdata.base.files import write_output
from sftdata.errors import SftdataError

_MARK = b'<meta name="generator" content="sftdata">'  # in the head of each page
_HEAD_BYTES = 2000


def render_page(name: str, **values: Any) -> str:
    """The page that the template `name` of this folder makes of `values`.

    Hidden characters in every text become visible, and markup is escaped. Only `markupsafe.Markup`
    passes as it is, and only our own plots are that.
    """
    return _environment().get_template(f"{name}.jinja").render(values)


def check_page_path(path: Path) -> None:
    """Raises `SftdataError` for another file than a page of ours, or a folder that is missing."""
    if not path.parent.is_dir():
        raise SftdataError(
            f"There is no folder '{escape(str(path.parent))}' for the page.",
            "Make it first.",
            code="E105",
        )
    if not path.is_file():
        return
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.strip() and _MARK not in head:
        raise SftdataError(
            f"{escape(str(path))} is not a page of sftdata, so it stays as it is.",
            "Choose another file.",
            code="E105",
        )


def save_page(path: Path, page: str) -> None:
    """Writes the page; see `check_page_path`."""
    check_page_path(path)
    write_output(path, page.encode())


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
    """Text escaped, also that of a path or another object; numbers and markup as they are."""
    if isinstance(value, (int, float)) or hasattr(value, "__html__"):
        return value
    return escape(str(value), keep_newlines=True)
