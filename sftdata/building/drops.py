"""Dropped rows: whether a build may drop so many."""

from __future__ import annotations

import numpy as np

from sftdata.base.escaping import escape
from sftdata.base.reasons import Reason, Status
from sftdata.errors import GoldenSetError
from sftdata.writing.ledger import Ledger

# Drops that were asked for, or that lose nothing: they are reported and never an error.
_WANTED_DROPS = frozenset(
    {Reason.DUPLICATE, Reason.NEAR_DUPLICATE, Reason.FILTERED, Reason.CONTAMINATED}
)


def check_drops(ledger: Ledger, rows: int, max_dropped: float) -> None:
    """Raises `GoldenSetError` if more than `max_dropped` % of `rows` are unusable, or none is left.

    Rows that were dropped on request don't count as unusable.
    """
    faults = [
        line
        for line in ledger.lines
        if line.status == Status.DROPPED and line.reason not in _WANTED_DROPS
    ]
    dropped = sum(ledger.dropped.values())
    share = 100 * len(faults) / rows
    if share <= max_dropped and dropped < rows:
        return
    if len(faults) < rows and share <= max_dropped:
        raise GoldenSetError(
            f"All {rows:,} rows are left out: "
            + ", ".join(f"{n:,} {reason}" for reason, n in ledger.dropped.items())
            + ". Nothing was committed.",
            "Look at the spec's where and against; a dataset cannot be empty.",
        )
    first = faults[0]
    allow = f"Fix the rows, or allow so many to be dropped: --max-dropped {np.ceil(share):g}"
    raise GoldenSetError(
        f"{first.source}: {first.detail} ({first.reason}, row '{escape(first.row_id)}'). "
        f"{len(faults):,} of {rows:,} rows ({share:.3g} %) cannot be used; at most "
        f"{max_dropped:g} % may be dropped. Nothing was committed.",
        allow if dropped < rows else "Fix the rows; a dataset cannot be empty.",
    )


def warn_of_duplicates(ledger: Ledger, rows: int) -> str | None:
    """A warning when more than half of the rows are duplicates, which is seldom meant."""
    dropped = ledger.dropped.get(Reason.DUPLICATE, 0)
    if 2 * dropped <= rows:
        return None
    return (
        f"Warning: {dropped:,} of {rows:,} rows say the same as another row and are dropped. "
        "See sftdata ledger, or keep them: --duplicates keep"
    )
