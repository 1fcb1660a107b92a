"""The errors a user sees: what is wrong, where, and what to do.

A new class is added only when a caller must tell it apart (an exit code is such a caller);
everything else is an `SftdataError` with a good message.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SftdataError(Exception):
    """Wrong data or user input (exit code 1).

    `str(error)` is the whole message: the fault on the first line, the way out on the next.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n{hint}")


class SpecError(SftdataError):
    """A spec file or a build option that cannot be used."""


class TemplateError(SftdataError):
    """A template that does not parse, breaks a rule or fails on a row; `rule` names the rule."""

    def __init__(self, message: str, hint: str | None = None, *, rule: str = "LINT_SYNTAX") -> None:
        super().__init__(message, hint)
        self.rule = rule


class TokenizerError(SftdataError):
    """A tokenizer directory that cannot be loaded, or lacks what a build needs."""


class GoldenSetError(SftdataError):
    """A source that cannot be read, or whose rows break a rule no ledger line can carry."""


class UnknownSplitError(SftdataError, KeyError):
    """A split the dataset does not have; a `KeyError`, because a dataset is a mapping."""

    __str__ = Exception.__str__  # that of KeyError quotes the message


class VerificationError(SftdataError):
    """A dataset whose files do not agree with its manifest (exit code 3)."""

    exit_code = 3


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that lists the known names, nearest first, or says that there are none."""
    names = sorted(known)
    if not names:
        return "There are none."
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Known: {', '.join(names)}."
