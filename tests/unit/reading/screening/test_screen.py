"""Screen: suspect rows are dropped or flagged, or end the build with their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from sftdata.base.arrow import texts
from sftdata.base.reasons import Status
from sftdata.errors import GoldenSetError
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.rows import Rows
from sftdata.reading.screening.contamination import EvaluationTexts, index_texts
from sftdata.reading.screening.screen import Screen
from sftdata.spec.check_rules import Action, CheckRule

ROWS = Rows.of(
    pa.RecordBatch.from_pydict(
        {
            "row_id": texts(["good", "copy", "empty"]),
            "text": texts(["A long text.", "Same.", "Another text."]),
            "short": texts(["Text.", "Same.", "TODO"]),
        }
    )
)


def screen(
    checks: dict[str, Action], evaluation: EvaluationTexts | None = None
) -> list[tuple[int, Status, str, str]]:
    rules = {name: CheckRule(action=action) for name, action in checks.items()}
    outcomes = RowOutcomes(ROWS.batch.num_rows)
    rows = replace(ROWS, line=np.array([11, 12, 13]))
    Screen(rules, "text", "short", evaluation).inspect(rows, "news.jsonl", outcomes)
    return list(outcomes)


def test_the_action_of_a_check_decides_between_a_drop_and_a_flag() -> None:
    assert screen({"target_equals_source": "drop", "placeholder": "flag"}) == [
        (1, Status.DROPPED, "target_equals_source", "'short' is the same text as 'text'"),
        (2, Status.FLAGGED, "placeholder", "'short' is a placeholder: 'TODO'"),
    ]


def test_a_check_may_end_the_build_with_the_place_of_the_row_and_the_way_out() -> None:
    with pytest.raises(GoldenSetError) as error:
        screen({"placeholder": "fail"})
    assert str(error.value) == (
        "news.jsonl:13: 'short' is a placeholder: 'TODO' (placeholder, row 'empty').\n"
        'Fix the row, or let it be dropped or flagged: the spec\'s checks.placeholder = "drop"'
    )


def test_a_row_with_text_of_an_evaluation_file_is_dropped() -> None:
    assert screen({}, index_texts(["a LONG text"], overlap=0.5)) == [
        (0, Status.DROPPED, "contaminated", "100% of 'text' stands in an evaluation file")
    ]


def test_without_checks_and_evaluation_texts_no_row_has_an_outcome() -> None:
    assert screen({}) == []
