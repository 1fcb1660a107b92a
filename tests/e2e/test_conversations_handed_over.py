"""Datasets of conversations, alone and mixed with tasks, in every command after the build."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.places import BUNDLED_TOKENIZER

from sftdata import SftdataError, build, load, render_prompt
from sftdata.building.rebuild import rebuild
from sftdata.exporting.export import export
from sftdata.inspecting.compare.datasets.diff import diff_datasets
from sftdata.inspecting.stats.compute import compute_stats
from sftdata.inspecting.verify import find_faults
from sftdata.loading.packing import plan_packs, write_plan

MIXED = """
task = "mixed"
tokenizer = "tokenizers/small"
chat = true
[[sources]]
spec = "summarize"
[[sources]]
spec = "chat"
"""


def turn(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content}


def write_talks(name: str, rows: int = 4) -> str:
    answers = [turn("assistant", "Ho"), turn("user", "So?"), turn("assistant", "No")]
    talks = ([turn("user", f"Hi {number}"), *answers] for number in range(rows))
    Path(name).write_text("".join(json.dumps({"messages": talk}) + "\n" for talk in talks))
    return name


def copy_tokenizer() -> Path:
    shutil.copytree(BUNDLED_TOKENIZER, "tokenizer")
    return Path("tokenizer/chat_template.jinja")


def test_a_mixture_of_conversations_and_a_task_is_exported_packed_and_compared() -> None:
    Path("pipelines").mkdir()
    Path("pipelines/mixed.toml").write_text(MIXED)
    made = build("mixed", out="out").manifest
    assert made["chat"]["stop_ids"] == [0]  # of the conversations, though the task comes first
    data = load("out")
    talks = [e for split in data.values() for e in split if e.template == "messages"]
    assert len({e.row_id for e in talks}) == 60
    assert {e.task for e in talks} == {"chat"}
    assert any(e.label_mask[e.target_start :].min() == 0 for e in talks)  # several answers
    assert find_faults(Path("out"), deep=True) == []
    assert compute_stats(data, by="task")["groups"].keys() == {"summarize", "chat"}
    export(Path("out"), "trl", Path("trl"))
    rows = pq.read_table("trl/train.parquet").to_pylist()
    assert [row["labels"] for row in rows] == [e.labels.tolist() for e in data["train"]]
    for name, split in data.items():
        write_plan(made, name, plan_packs(split.lengths, 2048))
    export(Path("out"), "megatron-packed", Path("packs"), max_length=2048)
    packed = pq.read_table("packs/train.idx.parquet")["loss_mask"].to_pylist()
    assert sum(map(sum, packed)) == data["train"].target_counts.sum()
    export(Path("out"), "prompt-completion", Path("texts"))
    lines = Path("texts/train.jsonl").read_text().splitlines()
    assert len(lines) > len(rows)  # a line for each answer
    assert rebuild(Path("out"), Path("again")).difference is None
    assert diff_datasets(data, load("again")).is_identical


def test_a_changed_chat_template_is_named_by_diff_rebuild_and_serving() -> None:
    template = copy_tokenizer()
    talks = write_talks("talks.jsonl")
    build("chat", data=talks, tokenizer="./tokenizer", out="a")
    template.write_text(template.read_text().replace("'tools:", "'functions:"))
    build("chat", data=talks, tokenizer="./tokenizer", out="b")
    names = {change.name for change in diff_datasets(load("a"), load("b")).inputs}
    assert names == {"chat.template_sha256"}
    with pytest.raises(SftdataError, match=r"chat template of '\./tokenizer' was changed"):
        rebuild(Path("a"), Path("c"))
    with pytest.raises(SftdataError, match="Put the recorded chat template back"):
        render_prompt("a", messages=[turn("user", "Hi")])
    assert render_prompt("b", messages=[turn("user", "Hi")]).input_ids
