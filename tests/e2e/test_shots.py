"""Shots: who gets which, and what gives way when an example is too long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.shot_pools import read_pool

from sftdata import build, load, render_prompt
from sftdata.errors import GoldenSetError
from sftdata.examples.shots import POOL_ROWS
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import Manifest, pool_path

SPEC = """
task = "talk"
data = ["rows.jsonl"]
template = "t/t"
tokenizer = "{tokenizer}"
{extra}
[fields]
id = "id"
q = "q"
a = "a"
"""
TEMPLATE = """{# description = "Test."
shorten = "q" #}
{% block system %}
S
{% endblock %}
{% block prompt %}
Q {{ q }}
{% endblock %}
{% block target %}
A{{ a }}
{%- endblock %}
"""


def make(rows: list[dict[str, Any]], tokenizer: Path, extra: str = "", **options: Any) -> Manifest:
    Path("templates/t").mkdir(parents=True, exist_ok=True)
    Path("templates/t/t.jinja").write_text(TEMPLATE)
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("spec.toml").write_text(SPEC.format(tokenizer=tokenizer, extra=extra))
    return build(spec="spec.toml", out="out", **options).manifest


def prompts(manifest: Manifest) -> dict[str, str]:
    """The prompt of each row; the byte tokenizer's ids are its bytes."""
    return {
        row.row_id: bytes(row.input_ids[: row.target_start].tolist()).decode()
        for split in load(manifest.directory).values()
        for row in split
    }


ROWS = [{"id": f"{i}", "q": f"question {i}?", "a": f"{i}"} for i in range(60)]


def test_a_prompt_is_system_then_shots_then_the_question(byte_tokenizer: Path) -> None:
    found = prompts(make(ROWS, byte_tokenizer, shots=2))
    for row_id, text in found.items():
        assert text.startswith("S\nQ question ")
        assert text.endswith(f"\n\nQ question {row_id}?\n")
        asked = [line for line in text.split("\n") if line.startswith("Q ")]
        answers = [line for line in text.split("\n") if line.startswith("A")]
        assert len(asked) == 3
        assert [f"A{line.removeprefix('Q question ').rstrip('?')}" for line in asked[:2]] == answers
        assert len(set(asked)) == 3  # never itself, never one twice


def test_only_the_last_target_is_in_the_loss(byte_tokenizer: Path) -> None:
    manifest = make(ROWS, byte_tokenizer, shots=3)
    for split in load(manifest.directory).values():
        for row in split:
            in_loss = bytes(row.input_ids[row.label_mask][:-1].tolist()).decode()
            assert in_loss == f"A{row.row_id}"


def test_shots_are_training_rows_and_not_of_the_rows_group(byte_tokenizer: Path) -> None:
    rows = [row | {"g": f"group {i // 6}"} for i, row in enumerate(ROWS)]
    manifest = make(rows, byte_tokenizer, 'group = "g"', shots=4)
    train = set(load(manifest.directory)["train"].to_arrow().column("row_id").to_pylist())
    group = {row["id"]: row["g"] for row in rows}
    for row_id, text in prompts(manifest).items():
        for line in text.split("\n"):
            if line.startswith("A"):
                assert line[1:] in train
                assert group[line[1:]] != group[row_id]


def test_a_row_that_is_added_changes_the_shots_of_few(byte_tokenizer: Path) -> None:
    before = prompts(make(ROWS, byte_tokenizer, shots=1))
    more = [*ROWS, {"id": "new", "q": "question new?", "a": "new"}]
    after = prompts(make(more, byte_tokenizer, shots=1))
    changed = [row_id for row_id, text in before.items() if after[row_id] != text]
    assert all("Anew" in after[row_id] for row_id in changed)
    assert len(changed) < 6


def test_counts_are_mixed_and_the_first_shots_are_those_of_a_lower_count(
    byte_tokenizer: Path,
) -> None:
    mixed = prompts(make(ROWS, byte_tokenizer, "shots = [0, 2, 4]"))
    counts = {row_id: text.count("\nA") for row_id, text in mixed.items()}
    assert set(counts.values()) == {0, 2, 4}
    four = prompts(make(ROWS, byte_tokenizer, shots=4))
    for row_id, text in mixed.items():
        lines = [line for line in text.split("\n") if line.startswith("A")]
        assert [x for x in four[row_id].split("\n") if x.startswith("A")][: counts[row_id]] == lines


def test_shots_give_way_before_the_article_is_cut(byte_tokenizer: Path) -> None:
    rows = [{"id": f"{i}", "q": "w" * (10 + 4 * i), "a": f"{i}"} for i in range(60)]
    manifest = make(rows, byte_tokenizer, shots=3, max_length=200)
    ledger = {line["row_id"]: line for line in read_ledger(manifest).to_pylist()}
    texts = prompts(manifest)
    seen = set()
    for row in load(manifest.directory)["train"]:
        text = texts[row.row_id]
        assert len(row.input_ids) <= 200
        shots = text.count("\nA")
        own = f"Q {'w' * (10 + 4 * int(row.row_id))}\n"
        if shots == 3:
            assert row.row_id not in ledger
        elif text.endswith(own):
            assert ledger[row.row_id]["reason"] == "fewer_shots"
            assert ledger[row.row_id]["detail"] == f"{shots} of 3 shots fit"
        else:
            assert shots == 0
            assert ledger[row.row_id]["reason"] == "max_length"
        seen.add((shots, text.endswith(own)))
    assert {(0, False), (0, True), (1, True), (2, True)} <= seen
    assert manifest["cut"] == sum(line["status"] == "cut" for line in ledger.values())


def test_a_set_of_one_row_has_no_shots_to_give(byte_tokenizer: Path) -> None:
    manifest = make(
        ROWS[:1],
        byte_tokenizer,
        "split = {train = 1}",
        shots=2,
    )
    assert prompts(manifest)["0"] == "S\nQ question 0?\n"
    (line,) = read_ledger(manifest).to_pylist()
    assert (line["status"], line["reason"]) == ("cut", "fewer_shots")


def test_without_a_training_row_there_is_no_pool(byte_tokenizer: Path) -> None:
    with pytest.raises(GoldenSetError, match="no training row"):
        make(ROWS, byte_tokenizer, "split = {train = 0, test = 1}", shots=1)


def test_the_pool_is_bounded_and_does_not_depend_on_the_order_of_rows(byte_tokenizer: Path) -> None:
    rows = [{"id": f"{i}", "q": f"q {i}", "a": f"{i}"} for i in range(2000)]
    first = make(rows, byte_tokenizer, shots=1)
    pool = read_pool(first.directory / pool_path(first["build"]))
    assert pool.rows.num_rows == POOL_ROWS
    texts = prompts(first)
    second = make(rows[::-1], byte_tokenizer, shots=1)
    assert prompts(second) == texts
    assert first["shots"] == second["shots"]


def test_serving_draws_the_shots_of_the_build(byte_tokenizer: Path) -> None:
    rows = [{"id": f"{i}", "q": "w" * (10 + 4 * i), "a": f"{i}"} for i in range(60)]
    manifest = make(rows, byte_tokenizer, shots=3, max_length=200)
    for split in load(manifest.directory).values():
        for example in split:
            row = rows[int(example.row_id)]
            prompt = render_prompt("out", row)
            assert np.array_equal(prompt.input_ids, example.input_ids[: example.target_start])
            assert bytes(prompt.input_ids).decode() == prompt.text
    # Without the answer nothing can be known of its length, and nothing gives way to it.
    asked = render_prompt("out", {"q": "something new"})
    assert asked.text.endswith("Q something new\n")
    assert asked.text.count("\nA") == 3
    assert render_prompt("out", {"q": "something new"}, shots=0).text == "S\nQ something new\n"
