"""The checks of golden rows that a spec may ask for, and what happens to a row that fails one.

`reading.screening.checks` has the checks themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import model_serializer, model_validator

from sftdata.base.reasons import Reason
from sftdata.spec.validate import SpecModel

Action = Literal["flag", "drop", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its facts."""

    explanation: str  # one sentence about a row that fails it
    fields: frozenset[str] = frozenset()  # golden fields it reads beside source and target
    has_bounds: bool = False  # whether it reads `low` and `high`
    of_conversations: bool = False  # looks at turns; flags where the spec doesn't name it


# The name of a check is the reason in the ledger, too.
CHECKS: Mapping[str, Check] = {
    "target_equals_source": Check("The target is the same text as the source."),
    "target_longer": Check("The target is longer than the source."),
    "length_ratio": Check("The target is too long or too short for its source.", has_bounds=True),
    "answer_not_in_context": Check("The answer is not a part of the context."),
    "placeholder": Check("The target is a placeholder such as TODO or N/A."),
    "wrong_language": Check(
        "A text reads as another language than the row says.",
        frozenset({"source_lang", "target_lang"}),
    ),
    "unknown_tool": Check("A call names a tool that the row does not have.", of_conversations=True),
    "tool_arguments": Check(
        "The arguments of a call do not fit the schema of its tool.", of_conversations=True
    ),
    "only_reasoning": Check("An answer is a reasoning and nothing else.", of_conversations=True),
}
CONVERSATION_CHECKS = tuple(name for name, check in CHECKS.items() if check.of_conversations)


def explain_reason(reason: str) -> str:
    """One sentence about a reason in the ledger; "" if this version does not know it."""
    known = {name: check.explanation for name, check in CHECKS.items()}
    return (known | {name.value: name.explanation for name in Reason}).get(reason, "")


class CheckRule(SpecModel):
    """The action for rows that fail a check; `low` and `high` are the bounds of a check with any.

    A spec may write the action alone instead of a table.
    """

    action: Action
    low: float | None = None
    high: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        return {"action": value} if isinstance(value, str) else value

    def find_faults(self, name: str) -> Iterator[str]:
        """Bounds that the check `name` does not read, lacks, or that no text is within."""
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        if bounds and not CHECKS[name].has_bounds:
            yield f"the check '{name}' has no bounds; leave low and high out"
        if not bounds and CHECKS[name].has_bounds:
            yield f"the check '{name}' needs bounds: low, high or both"
        if bounds != sorted(bounds):
            yield f"the check '{name}' has low = {self.low:g} above high = {self.high:g}"

    @model_serializer
    def _shorten(self) -> Any:
        bounds = {n: v for n, v in (("low", self.low), ("high", self.high)) if v is not None}
        return {"action": self.action, **bounds} if bounds else self.action
