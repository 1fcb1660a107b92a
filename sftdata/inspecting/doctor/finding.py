"""A defect that a check has found in a dataset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)  # the worst first


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row with a defect."""

    row_id: str
    source: str  # file:line; "" if nothing records it
    quote: str  # the text that matched, else the start of the target


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect of `count` rows; `rows` are the first few of them, in the dataset's order.

    A finding about the dataset as a whole may have no rows.
    """

    id: str  # of the check, for example "eos-not-in-loss"
    severity: Severity
    title: str
    count: int
    rows: tuple[FoundRow, ...]
    way_out: str
    detail: str = ""

    @property
    def row_ids(self) -> tuple[str, ...]:
        """The ids of `rows`."""
        return tuple(row.row_id for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The object `doctor --json` prints."""
        return {**asdict(self), "row_ids": list(self.row_ids)}
