"""Check rules: the checks of golden rows that a spec may ask for (see `reading.screening`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_serializer, model_validator

from sftdata.spec.validate import SpecModel

Action = Literal["flag", "drop", "fail"]

# Every check, and the golden fields it reads beside source and target.
CHECKS: Mapping[str, frozenset[str]] = {
    "target_equals_source": frozenset(),
    "target_longer": frozenset(),
    "length_ratio": frozenset(),
    "answer_not_in_context": frozenset(),
    "placeholder": frozenset(),
    "wrong_language": frozenset({"source_lang", "target_lang"}),
}


class CheckRule(SpecModel):
    """What to do with rows that fail a check; `low` and `high` are the bounds of checks with any.

    A spec may write the action alone instead of a table.
    """

    action: Action
    low: float | None = None
    high: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        return {"action": value} if isinstance(value, str) else value

    @model_serializer
    def _shorten(self) -> Any:
        bounds = {n: v for n, v in (("low", self.low), ("high", self.high)) if v is not None}
        return {"action": self.action, **bounds} if bounds else self.action
