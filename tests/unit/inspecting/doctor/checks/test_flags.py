"""What the build flagged is found, with its place and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.planted import Planted

from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Status
from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.inspecting.doctor import diagnose
from sftdata.inspecting.doctor.finding import FoundRow
from sftdata.loading.dataset import Dataset, load
from sftdata.writing.ledger import Ledger

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ONLY = ["unknown-tool", "tool-arguments", "only-reasoning", "flagged-by-build"]


def talk(name: str, arguments: Mapping[str, Any], number: int, **answer: str) -> dict[str, Any]:
    call = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return {
        "id": f"t{number}",
        "messages": [
            {"role": "user", "content": f"Is there rain in town {number}?"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": "rain"},
            {"role": "assistant", "content": "Yes.", **answer},
        ],
        "tools": [{"name": "weather", "description": "", "parameters": SCHEMA}],
    }


@pytest.fixture
def make(tmp_path: Path) -> Any:
    def make_dataset(*rows: dict[str, Any]) -> Dataset:
        path = tmp_path / "talks.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        out = tmp_path / "out"
        build("chat", data=path, out=out, workers=1)
        return load(out)

    return make_dataset


def test_each_flag_of_a_conversation_is_a_finding_with_its_place(make: Any) -> None:
    data = make(
        talk("weather", {"city": "Rome"}, 1),
        talk("wether", {"city": "Rome"}, 2),
        talk("weather", {"town": "Rome"}, 3),
        talk("weather", {"city": "Rome"}, 4, content="", reasoning_content="It rains."),
    )
    found = [
        (finding.id, row.row_id, row.source.rpartition("/")[2], row.quote[:24])
        for finding in diagnose(data, only=ONLY)
        for row in finding.rows
    ]
    assert found == [
        ("unknown-tool", "t2", "talks.jsonl:2", "turn 2 calls 'wether', w"),
        ("tool-arguments", "t3", "talks.jsonl:3", "the arguments of 'weathe"),
        ("only-reasoning", "t4", "talks.jsonl:4", "turn 4 is a reasoning wi"),
    ]


def test_a_clean_conversation_has_no_finding(make: Any) -> None:
    assert diagnose(make(talk("weather", {"city": "Rome"}, 1)), only=ONLY) == []


def test_other_flags_are_counted_by_reason(write: Callable[..., Dataset], tmp_path: Path) -> None:
    data = write(Planted())
    flag = LedgerLine("r3", "a.csv:4", Status.FLAGGED, "target_longer", "it is longer")
    gone = LedgerLine("x", "a.csv:9", Status.DROPPED, "duplicate", "says the same")
    Ledger([flag, gone]).write(tmp_path / "ledger" / "made.arrow")
    (finding,) = diagnose(data)
    assert (finding.id, finding.severity, finding.count) == ("flagged-by-build", "note", 1)
    assert finding.detail == "1 target_longer"
    assert finding.rows == (FoundRow("r3", "a.csv:4", "it is longer"),)


def test_a_ledger_that_is_gone_is_named(write: Callable[..., Dataset], tmp_path: Path) -> None:
    data = write(Planted())
    (tmp_path / "ledger" / "made.arrow").unlink()
    with pytest.raises(SftdataError, match="the file is missing"):
        diagnose(data, only=["flagged-by-build"])
