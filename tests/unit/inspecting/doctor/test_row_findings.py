"""The findings of chosen rows: those of the checks on one row, with the text that matched."""

from __future__ import annotations

from collections.abc import Callable

from support.planted import PROMPT, Planted, in_targets

from sftdata.inspecting.doctor.row_findings import diagnose_rows
from sftdata.loading.dataset import Dataset


def test_each_row_has_its_own_findings_and_quotes(write: Callable[..., Dataset]) -> None:
    planted = Planted().put(1, prompt=PROMPT.format("Write to jane@mail.acme.co at once."))
    planted.put(2, target="N/A")
    data = write(planted)
    rows = list(data["train"])[:3]
    assert [[(one.id, one.quote) for one in found] for found in diagnose_rows(data, rows)] == [
        [],
        [("email-address", "jane@mail.acme.co")],
        [("target-placeholder", "N/A")],
    ]
    assert diagnose_rows(data, []) == []


def test_the_checks_on_the_whole_dataset_are_left_out(write: Callable[..., Dataset]) -> None:
    data = write(in_targets("Twice.", "Twice.")())
    assert not any(diagnose_rows(data, list(data["train"])))
