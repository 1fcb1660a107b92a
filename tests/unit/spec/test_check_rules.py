"""Check rules: an action alone, or a table with bounds."""

from __future__ import annotations

import pytest

from sftdata.base.reasons import Reason
from sftdata.errors import SpecError
from sftdata.spec.check_rules import CHECKS, CheckRule, explain_reason
from sftdata.spec.validate import validate


def test_a_rule_is_an_action_or_a_table_and_is_written_back_as_it_was() -> None:
    assert validate(CheckRule, "drop", "") == CheckRule(action="drop")
    assert CheckRule(action="drop").to_json() == "drop"
    assert CheckRule(action="flag", low=0.5).to_json() == {"action": "flag", "low": 0.5}


def test_an_unknown_action_is_an_error() -> None:
    with pytest.raises(SpecError, match="action: must be 'flag', 'drop' or 'fail'"):
        validate(CheckRule, "warn", "the rule")


def test_every_reason_in_a_ledger_is_explained() -> None:
    assert explain_reason("too_long") == Reason.TOO_LONG.explanation
    assert explain_reason("placeholder") == CHECKS["placeholder"].explanation
    assert explain_reason("of_a_later_version") == ""
    assert not CHECKS.keys() & set(Reason)  # else a line of the ledger could mean either
