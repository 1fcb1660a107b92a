"""Commands of the train stage: a missing library is an error that says what to install."""

from __future__ import annotations

import pytest

from sftdata.cli.train_extra import needs_train_extra
from sftdata.errors import SftdataError


def missing(name: str) -> None:
    raise ModuleNotFoundError(f"No module named '{name}'", name=name)


def test_a_missing_library_of_the_stage_says_what_to_install() -> None:
    with pytest.raises(SftdataError, match=r"needs peft\.tuners(?s:.*)sftdata\[train\]"):
        needs_train_extra(missing)("peft.tuners")


def test_any_other_missing_module_is_a_fault_of_ours() -> None:
    with pytest.raises(ModuleNotFoundError):
        needs_train_extra(missing)("sftdata.nope")
