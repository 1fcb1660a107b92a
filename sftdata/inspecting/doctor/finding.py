"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sftdata.inspecting.doctor.rows import Rows
    from sftdata.inspecting.doctor.survey import Survey

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect of a dataset. `row_ids` are the first few of `count` rows, in the set's order.

    A finding about the set as a whole has the count of rows it is about, and may have no row ids.
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


@dataclass(frozen=True, slots=True)
class Found:
    """What a check over the whole dataset has found."""

    rows: npt.NDArray[np.int64]  # places of the rows, counted over all splits in their order
    detail: str = ""
    count: int | None = None  # where it is not the number of `rows`


@dataclass(frozen=True, slots=True)
class RowCheck:
    """A check that sees one row at a time. `find` gives bool[rows]."""

    id: str
    severity: Severity
    title: str
    way_out: str
    find: Callable[[Rows], npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class SetCheck:
    """A check that needs the whole dataset. `find` gives None where there is nothing to say."""

    id: str
    severity: Severity
    title: str
    way_out: str
    find: Callable[[Survey], Found | None]


Check = RowCheck | SetCheck
