"""Keywords of the Python functions, beside the options of the command line in an error's text."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sftdata.errors import SftdataError

P = ParamSpec("P")
R = TypeVar("R")

_COMMAND = re.compile(r"\bsftdata [a-z].*")  # to be typed in a shell as it is
_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
_RENAMED = {"map": 'fields={"FIELD": "COLUMN"}', "join-splits": 'given_splits="join"'}


def name_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """The function; a note on its errors names the keyword of each option in their text."""

    @functools.wraps(function)
    def with_note(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except SftdataError as error:
            if note := describe_keywords(str(error)):
                error.add_note(note)
            raise

    return with_note


def describe_keywords(message: str) -> str:
    """`In Python: --max-length is max_length=…`; "" for a text without options."""
    options = dict.fromkeys(_OPTION.findall(_COMMAND.sub("", message)))
    if not options:
        return ""
    keywords = [f"--{o} is {_RENAMED.get(o, o.replace('-', '_') + '=…')}" for o in options]
    return f"In Python: {', '.join(keywords)}"
