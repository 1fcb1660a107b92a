"""Dropped rows: how many are too many, and what the error says."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Reason, Status
from sftdata.building.drops import check_drops, warn_of_faults
from sftdata.errors import GoldenSetError
from sftdata.spec.model import Spec
from sftdata.writing.ledger import Ledger


def ledger(*reasons: Reason) -> Ledger:
    lines = [
        LedgerLine(f"r{i}", f"rows.jsonl:{i + 1}", Status.DROPPED, reason, "a detail")
        for i, reason in enumerate(reasons)
    ]
    return Ledger(lines)


def test_as_many_as_allowed_may_go() -> None:
    check_drops(ledger(Reason.EMPTY_FIELD), rows=100, max_dropped=1.0)


def refusal(drops: Ledger, **options: Any) -> list[str]:
    with pytest.raises(GoldenSetError) as caught:
        check_drops(drops, **({"rows": 100, "max_dropped": 1.0} | options))
    return str(caught.value).splitlines()


def test_more_is_an_error_with_an_example_of_each_reason_and_the_way_out() -> None:
    reasons = [Reason.WRONG_TYPE, Reason.EMPTY_FIELD, Reason.EMPTY_FIELD]
    assert refusal(ledger(*reasons)) == [
        "3 of 100 rows (3 %) cannot be used; at most 1 % may be dropped. Nothing was committed.",
        "2 empty_field, such as rows.jsonl:2: a detail (row 'r1')",
        "1 wrong_type, such as rows.jsonl:1: a detail (row 'r0')",
        "Fix the rows, or allow so many to be dropped: --max-dropped 3",
    ]


def test_a_dry_run_warns_where_a_build_would_fail() -> None:
    lines = ledger(Reason.EMPTY_FIELD, Reason.FILTERED).lines
    assert warn_of_faults(lines, 100, 1.0) is None
    assert warn_of_faults(lines, 50, 1.0) == (
        "Warning: 1 of these 50 rows (2 %) cannot be used. If all rows are like them, the build "
        "fails: at most 1 % may be dropped (--max-dropped)."
    )


def test_a_row_named_by_its_place_is_named_once() -> None:
    line = LedgerLine("a.csv:7", "a.csv:7", Status.DROPPED, Reason.EMPTY_FIELD, "a detail")
    assert refusal(Ledger([line]), rows=2)[1] == "1 empty_field, such as a.csv:7: a detail"


def test_no_row_left_is_no_matter_of_how_many_may_go() -> None:
    (first, *_) = refusal(ledger(Reason.EMPTY_FIELD), rows=1, max_dropped=100)
    assert first == "1 of 1 rows (100 %) cannot be used; none is left. Nothing was committed."


def test_ids_that_two_files_share_are_told_apart_by_the_file() -> None:
    clashes = [("a.jsonl:1", "b.jsonl:1"), ("a.jsonl:2", "b.jsonl:2")]
    drops = ledger(*[Reason.REPEATED_ID] * 2)
    assert refusal(drops, clashes=clashes)[2:] == [
        "a.jsonl and b.jsonl use the same ids for different rows. Put the name of its file before "
        "each id: --id-prefix file"
    ]
    (way_out,) = refusal(drops, clashes=[*clashes, ("a.jsonl:1", "c.jsonl:1")])[2:]
    assert way_out.startswith("a.jsonl, b.jsonl and c.jsonl use the same ids")
    (way_out,) = refusal(drops, clashes=clashes, id_prefix="file")[2:]
    assert way_out.endswith("--map id=none")


def test_ids_that_repeat_within_a_file_are_left_out() -> None:
    drops = ledger(*[Reason.REPEATED_ID] * 2, *[Reason.EMPTY_FIELD] * 5)
    assert refusal(drops, clashes=[("a.jsonl:1", "a.jsonl:2")])[3:] == [
        "Ids that repeat tell no rows apart. Name the rows by their content: --map id=none",
        "Fix the rows, or allow so many to be dropped: --max-dropped 5",
    ]


def test_the_way_out_fits_the_reason() -> None:
    drops = ledger(*[Reason.TOO_LONG] * 3, *[Reason.UNKNOWN_SPLIT] * 2)
    assert refusal(drops)[3:] == [
        "Let examples be longer: --max-length N",
        "Name every split of the rows in the spec's [split]; a share may be 0.",
        "Fix the rows, or allow so many to be dropped: --max-dropped 5",
    ]
    assert refusal(ledger(Reason.TOO_LONG), rows=1)[2:] == [
        "Let examples be longer: --max-length N"
    ]


@pytest.mark.parametrize(
    ("reason", "key"),
    [
        (Reason.UNKNOWN_TURN_KEY, "ignore_turn_keys"),
        (Reason.ASSISTANT_FIRST, "drop_leading_assistant"),
        (Reason.NO_LAST_ANSWER, "drop_trailing_user"),
    ],
)
def test_a_conversation_out_of_order_names_the_key_that_repairs_it(
    reason: Reason, key: str
) -> None:
    way_out, spec = refusal(ledger(reason), rows=1)[2:]
    assert f"{key} = " in way_out
    assert spec == "Without a spec of your own: sftdata init DIR --data FILE writes one"
    assert key in Spec.model_fields


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.NOT_SHOWN])
def test_rows_that_the_chat_template_does_not_take_need_another_one(reason: Reason) -> None:
    (way_out,) = refusal(ledger(reason), rows=1)[2:]
    assert way_out.endswith("--chat-template FILE")


def test_drops_that_were_asked_for_are_no_fault() -> None:
    check_drops(ledger(*[Reason.DUPLICATE] * 60), rows=100, max_dropped=0.0)


def test_a_dataset_cannot_be_empty() -> None:
    with pytest.raises(GoldenSetError, match="All 2 rows are left out: 2 filtered"):
        check_drops(ledger(Reason.FILTERED, Reason.FILTERED), rows=2, max_dropped=0.0)
    with pytest.raises(GoldenSetError, match="a dataset cannot be empty"):
        check_drops(ledger(Reason.EMPTY_FIELD), rows=1, max_dropped=100.0)
