"""A defect that a check has found in a dataset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect of `count` rows; `row_ids` are the first few of them, in the dataset's order.

    A finding about the dataset as a whole may have no row ids.
    """

    id: str  # of the check, for example "eos-not-in-loss"
    severity: Severity
    title: str
    count: int
    row_ids: tuple[str, ...]
    way_out: str
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """The object `doctor --json` prints."""
        return asdict(self)
