"""The errors that a user sees: the fault, its place, and the way out.

Add a class only if a caller handles it differently (for example by its exit code); everything else
is an `SftdataError` with a good message.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_RELEASE_RULES = ("LOCK_", "RELEASED_", "DUPLICATE_VERSION")


class SftdataError(Exception):
    """Wrong data or user input (exit code 1).

    `str(error)` is the whole message: the fault on the first line, the way out on the next.
    """

    exit_code = 1
    code = (
        ""  # stable; docs/reference/errors.md lists them. A class without one gets it at the call
    )

    def __init__(self, message: str, hint: str | None = None, *, code: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n{hint}")
        if code is not None:
            self.code = code


class UsageError(SftdataError):
    """A command line that is wrong (exit code 2)."""

    exit_code = 2
    code = "E101"


class SpecError(SftdataError):
    """A spec file or a build option that cannot be used."""

    code = "E401"


class TemplateError(SftdataError):
    """A template that does not parse, breaks a rule or fails on a row; `rule` is the rule's id."""

    code = "E501"

    def __init__(self, message: str, hint: str | None = None, *, rule: str = "LINT_SYNTAX") -> None:
        super().__init__(message, hint, code="E502" if rule.startswith(_RELEASE_RULES) else None)
        self.rule = rule


class TokenizerError(SftdataError):
    """A tokenizer that cannot be loaded, or lacks something that a build needs."""

    code = "E602"


class GoldenSetError(SftdataError):
    """A source that cannot be read, or rows that end the build."""

    code = "E204"


class UnknownSplitError(SftdataError, KeyError):
    """A split that the dataset does not have; a `KeyError`, because a dataset is a mapping."""

    code = "E102"
    __str__ = Exception.__str__  # KeyError's own would quote the message


class VerificationError(SftdataError):
    """Files that do not agree with their manifest or record (exit code 3)."""

    exit_code = 3
    code = "E702"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that suggests the nearest known name, or lists all if none is near."""
    names = sorted(known)
    if not names:
        return "There are none."
    begin = [known for known in names if len(name) > 1 and known.startswith(name)]
    near = begin or difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Known: {', '.join(names)}."
