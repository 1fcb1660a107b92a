"""Check rules: an action alone, or a table with bounds."""

from __future__ import annotations

import pytest

from sftdata.errors import SpecError
from sftdata.spec.check_rules import CheckRule
from sftdata.spec.validate import validate


def test_a_rule_is_an_action_or_a_table_and_is_written_back_as_it_was() -> None:
    assert validate(CheckRule, "drop", "") == CheckRule(action="drop")
    assert CheckRule(action="drop").to_json() == "drop"
    assert CheckRule(action="flag", low=0.5).to_json() == {"action": "flag", "low": 0.5}


def test_an_unknown_action_is_an_error() -> None:
    with pytest.raises(SpecError, match="action: must be 'flag', 'drop' or 'fail'"):
        validate(CheckRule, "warn", "the rule")
