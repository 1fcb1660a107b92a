"""Check rules: what a spec may ask of the checks of golden rows (see `checks`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sftdata.spec.validate import Written

Action = Literal["flag", "drop", "fail"]

# Every check, with the fields it reads beside the source and the target.
CHECKS: Mapping[str, frozenset[str]] = {
    "target_equals_source": frozenset(),
    "target_longer": frozenset(),
    "length_ratio": frozenset(),
    "answer_not_in_context": frozenset(),
    "placeholder": frozenset(),
    "wrong_language": frozenset({"source_lang", "target_lang"}),
}


@dataclass(frozen=True)
class CheckRule(Written):
    """What to do with rows that fail a check; `low` and `high` are bounds of those that have any.

    A spec may write the action alone instead of a table.
    """

    action: Action
    low: float | None = None
    high: float | None = None

    @staticmethod
    def spelled_out(value: Any) -> Any:
        """The rule as a table."""
        return {"action": value} if isinstance(value, str) else value

    def to_json(self) -> Any:
        """The action alone where there is nothing else."""
        bounds = {n: v for n, v in (("low", self.low), ("high", self.high)) if v is not None}
        return {"action": self.action, **bounds} if bounds else self.action
