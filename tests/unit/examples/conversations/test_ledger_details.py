"""The ledger's texts about turns are read as they were written."""

from __future__ import annotations

from sftdata.examples.conversations.ledger_details import (
    read_left_out,
    read_untaught,
    write_left_out,
    write_untaught,
)


def test_the_number_of_turns_that_were_left_out() -> None:
    detail = write_left_out(1024, 2048, "9,000 tokens of at most 4,096")
    assert detail == "the first 1024 of 2048 turns; 9,000 tokens of at most 4,096"
    assert read_left_out(detail) == 1024


def test_turns_that_are_not_taught_are_counted_from_one_in_the_text() -> None:
    detail = write_untaught(["turn 2: it is not shown", "turn 12: see turn 3: it is cut"])
    assert read_untaught(detail) == {1, 11}
