"""Parse TOML. Text that is not TOML, or that would take too long, is a `ValueError`."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from sftdata.base.nesting import MAX_DEPTH, TOO_DEEP, check_depth

_NAME = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
# `tomllib` takes seconds for a key of 20,000 parts, and minutes for one of 100,000.
_LONG_KEY = re.compile(rf"(?m)(?:^|[\[{{,])[ \t]*(?:{_NAME}[ \t]*\.[ \t]*){{{MAX_DEPTH}}}")


def parse_toml(text: str) -> dict[str, Any]:
    """The table in the text. Raises `ValueError`."""
    if _LONG_KEY.search(text):
        raise ValueError(f"a key has more than {MAX_DEPTH} parts")
    try:
        content = tomllib.loads(text)
        check_depth(content)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    return content
