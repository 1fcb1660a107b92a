"""RowOutcomes: one reason for a dropped row, all reasons for a row that is kept."""

from __future__ import annotations

from sftdata.base.reasons import Reason, Status
from sftdata.reading.outcomes import RowOutcomes

DROPPED, CUT, FLAGGED = Status.DROPPED, Status.CUT, Status.FLAGGED


def test_a_row_is_dropped_for_the_first_reason_found() -> None:
    outcomes = RowOutcomes(rows=3)
    outcomes.add_outcome(1, DROPPED, Reason.CONTAMINATED, "first")
    outcomes.add_outcome(1, DROPPED, Reason.TOO_LONG, "second")
    assert outcomes.dropped.tolist() == [False, True, False]
    assert list(outcomes) == [(1, DROPPED, Reason.CONTAMINATED, "first")]


def test_a_flag_is_not_shown_once_its_row_is_dropped() -> None:
    outcomes = RowOutcomes(rows=2)
    outcomes.add_outcome(0, FLAGGED, "placeholder", "kept")
    outcomes.add_outcome(1, FLAGGED, "placeholder", "hidden")
    outcomes.add_outcome(1, DROPPED, Reason.TOO_LONG, "shown")
    outcomes.add_outcome(1, FLAGGED, "target_longer", "too late")
    assert list(outcomes) == [
        (0, FLAGGED, "placeholder", "kept"),
        (1, DROPPED, Reason.TOO_LONG, "shown"),
    ]


def test_a_kept_row_has_each_reason_once() -> None:
    outcomes = RowOutcomes(rows=1)
    outcomes.add_outcome(0, FLAGGED, "target_longer", "flag")
    outcomes.add_outcome(0, CUT, Reason.MAX_LENGTH, "before")
    outcomes.add_outcome(0, CUT, Reason.MAX_LENGTH, "after")
    assert not outcomes.dropped.any()
    assert list(outcomes) == [
        (0, FLAGGED, "target_longer", "flag"),
        (0, CUT, Reason.MAX_LENGTH, "after"),
    ]
