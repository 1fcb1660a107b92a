"""Rows of templates leave a dataset as turns: built again as a chat, the ids are the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftdata import build, load
from sftdata.cli.export import read_rows
from sftdata.errors import SftdataError
from sftdata.exporting.export import export

SYSTEM = "You are a helpful assistant that summarizes articles."


def export_messages(directory: str) -> list[dict[str, Any]]:
    export(Path(directory), "messages", Path("exported"), read_rows=read_rows)
    files = sorted(Path("exported").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def tokens(directory: str) -> dict[str, tuple[list[int], list[bool]]]:
    return {
        example.row_id: (example.input_ids.tolist(), example.label_mask.tolist())
        for split in load(directory).values()
        for example in split
    }


@pytest.mark.parametrize(
    "options",
    [{}, {"max_length": 500, "max_dropped": 50.0}, {"shots": [0, 2]},
     {"shots": [2], "max_length": 1200, "max_dropped": 50.0}],
    ids=["whole", "cut", "shots", "fewer shots"],
)  # fmt: skip
def test_a_chat_dataset_gives_turns_that_build_the_same_ids(options: dict[str, Any]) -> None:
    build("summarize", out="first", chat=True, **options)
    rows = export_messages("first")
    assert {row["messages"][0]["content"] for row in rows} == {SYSTEM}
    Path("talks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    build("chat", data="talks.jsonl", out="second", tokenizer="tokenizers/small")
    assert tokens("second") == tokens("first")


@pytest.mark.parametrize("shots", [0, 1])
def test_the_system_text_of_a_plain_prompt_is_a_turn_of_its_own(shots: int) -> None:
    build("summarize", out="plain", shots=shots, max_length=900, max_dropped=50.0)
    texts = {e.row_id: (e.prompt, e.target) for split in load("plain").values() for e in split}
    rows = export_messages("plain")
    assert {row["id"] for row in rows} == texts.keys()
    for row in rows:
        system, question, answer = row["messages"]
        assert [turn["role"] for turn in row["messages"]] == ["system", "user", "assistant"]
        prompt, target = texts[row["id"]]
        assert f"{system['content']}\n\n{question['content']}\n" == prompt
        assert answer["content"] == target


def test_each_row_stays_in_its_split() -> None:
    build("summarize", out="plain")
    export_messages("plain")
    for name, split in load("plain").items():
        lines = Path("exported", f"{name}.jsonl").read_text("utf-8").splitlines()
        ids = sorted(json.loads(line)["id"] for line in lines)
        assert ids == sorted(example.row_id for example in split)


def test_a_changed_source_is_named_before_anything_is_written() -> None:
    row = {"id": "a", "instruction": "Say hi.", "output": "Hi."}
    Path("rows.jsonl").write_text(json.dumps(row))
    build("instruct", data="rows.jsonl", out="out")
    Path("rows.jsonl").write_text(json.dumps(row | {"output": "Ho."}))
    with pytest.raises(SftdataError, match=r"out was built from other content of: rows\.jsonl"):
        export_messages("out")
    assert not Path("exported").exists()
