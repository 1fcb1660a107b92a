"""The ledger: counts by status and reason, and the file that keeps its lines."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pytest

from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Reason, Status
from sftdata.errors import VerificationError
from sftdata.writing.ledger import Ledger, read_ledger
from sftdata.writing.manifest import Manifest, ledger_path

LINES = [
    LedgerLine("a", "x.jsonl:1", Status.DROPPED, Reason.TOO_LONG, "9 tokens of at most 8"),
    LedgerLine("b", "x.jsonl:2", Status.FLAGGED, "placeholder", "'TODO'"),
    LedgerLine("c", "x.jsonl:3", Status.CUT, Reason.MAX_LENGTH, "article: kept 3 of 9 characters"),
    LedgerLine("d", "x.jsonl:4", Status.DROPPED, Reason.EMPTY_FIELD, "'é' is empty"),
    LedgerLine("e", "x.jsonl:5", Status.DROPPED, Reason.TOO_LONG, "9 tokens of at most 8"),
]


@pytest.fixture
def manifest() -> Manifest:
    manifest = Manifest(Path("data"), {"build": "b"})
    (manifest.directory / ledger_path("b")).parent.mkdir(parents=True)
    return manifest


def test_rows_are_counted_by_status_and_by_reason_in_the_order_of_their_names() -> None:
    ledger = Ledger(LINES)
    assert list(ledger.dropped.items()) == [("empty_field", 1), ("too_long", 2)]
    assert (ledger.flagged, ledger.cut) == ({"placeholder": 1}, 1)


@pytest.mark.parametrize("lines", [LINES, []])
def test_the_lines_come_back_from_the_file(manifest: Manifest, lines: list[LedgerLine]) -> None:
    Ledger(lines).write(manifest.directory / ledger_path("b"))
    assert Ledger.read(manifest).lines == lines


def test_the_file_can_be_read_as_a_table_of_one_reason(manifest: Manifest) -> None:
    Ledger(LINES).write(manifest.directory / ledger_path("b"))
    assert read_ledger(manifest, "too_long").column("row_id").to_pylist() == ["a", "e"]
    assert read_ledger(manifest).column_names == ["row_id", "source", "status", "reason", "detail"]


def test_a_status_that_no_build_writes_is_one_error(manifest: Manifest) -> None:
    lines = pa.Table.from_pylist([{**asdict(LINES[0]), "status": "lost"}])
    with pa.ipc.new_file(manifest.directory / ledger_path("b"), lines.schema) as file:
        file.write_table(lines)
    with pytest.raises(VerificationError, match=r"b\.arrow: cannot be read: .* status 'lost'"):
        Ledger.read(manifest)
