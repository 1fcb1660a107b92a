"""Runs compared: on the rows that all have, in pairs, with the settings that differ."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sftdata.cli import cli
from sftdata.errors import SftdataError
from sftdata_train.evaluating.page import render_runs
from sftdata_train.evaluating.rows import EvaluatedRow
from sftdata_train.evaluating.run_comparison import Setting, compare_runs
from sftdata_train.evaluating.run_record import Run, check_run_path, read_run, save_evaluation

SETTINGS: dict[str, Any] = {
    "tokenizer": "ab" * 32,
    "templates": {"grammar/plain@1.0.0": "cd" * 32},
    "training": {"rows": 100, "recipe": {"seed": 0, "rank": 8}},
}


def row(number: int, answer: str, loss: float = 2.0, **changes: Any) -> EvaluatedRow:
    made = EvaluatedRow(
        row_id=f"r{number}",
        task="rewrite",
        shots=0,
        prompt="p",
        source=None,
        references=["right"],
        targets=4,
        losses={"base": 9.0, "tuned": loss},
        answers={"base": "?", "tuned": answer},
    )
    return replace(made, **changes)


def make_run(name: str, rows: list[EvaluatedRow], **settings: Any) -> Run:
    return Run(Path(f"{name}.json"), SETTINGS | settings, rows)


def test_each_run_is_compared_with_the_first_in_pairs() -> None:
    a = make_run("a", [row(i, "wrong", 2.0 + i) for i in range(20)])
    b = make_run("b", [row(i, "right" if i < 10 else "wrong", 1.0 + i) for i in range(20)])
    found = compare_runs([a, b, a])
    loss, exact = found.comparisons[0][:2]
    # Each row has a loss that is lower by 1 over 4 tokens, whatever the rows of a resample.
    assert (loss.difference, loss.low, loss.high) == pytest.approx((-0.25, -0.25, -0.25))
    assert (loss.metric, loss.better) == ("loss", 1.0)
    assert (exact.metric, exact.difference, exact.better) == ("exact match", 50.0, 1.0)
    assert {one.describe().partition(":")[2] for one in found.comparisons[1]} == {" no difference"}
    assert (found.names, found.rows, found.notes) == (["a.json", "b.json", "a.json"], 20, [])


def test_only_the_rows_that_all_runs_have_are_compared_and_the_others_are_named() -> None:
    a = make_run("a", [row(1, "right"), row(2, "wrong"), row(3, "wrong")])
    b = make_run("b", [row(3, "right"), row(1, "wrong"), row(4, "wrong"), row(5, "x", shots=2)])
    found = compare_runs([a, b])
    assert [[one.row_id for one in rows] for rows in found.compared] == [["r1", "r3"]] * 2
    assert found.results[0].scores["rewrite"][0].value == 50.0
    assert found.notes == [
        "Of b, the answers with 0 shots are compared.",
        "1 row of a left out, which another run lacks.",
        "1 row of b left out, which another run lacks.",
    ]
    with pytest.raises(SftdataError, match="no row that a and c have all evaluated"):
        compare_runs([a, make_run("c", [row(9, "right")])])


def test_the_settings_that_differ_are_listed() -> None:
    other = {"templates": {"grammar/question@1.0.0": "ef" * 32}, "training": {"rows": 90}}
    found = compare_runs([make_run("a", [row(1, "x")]), make_run("b", [row(1, "x")], **other)])
    assert found.settings == [
        Setting("templates.grammar/plain@1.0.0", ["cd" * 32, None]),
        Setting("training.rows", [100, 90]),
        Setting("training.recipe.seed", [0, None]),
        Setting("training.recipe.rank", [8, None]),
        Setting("templates.grammar/question@1.0.0", [None, "ef" * 32]),
    ]


def test_losses_over_other_tokens_and_other_references_are_named() -> None:
    a, b = make_run("a", [row(1, "right")]), make_run("b", [row(1, "left", references=["left"])])
    found = compare_runs([a, b])
    assert found.notes == [
        "1 row of b has another reference than in a; each run is scored by its own one."
    ]
    found = compare_runs([a, make_run("c", [row(1, "right")], tokenizer="another")])
    assert found.notes == [
        "The losses are not compared: the runs split the targets into other tokens."
    ]
    assert "loss" not in {one.metric for one in found.comparisons[0]}


def test_a_base_model_alone_is_a_run() -> None:
    base = row(1, "", answers={"base": "right"}, losses={"base": 1.0})
    found = compare_runs([make_run("a", [row(1, "wrong")]), make_run("b", [base])])
    assert [result.scores["rewrite"][0].value for result in found.results] == [0.0, 100.0]


def test_a_saved_run_is_read_back_and_other_files_are_refused() -> None:
    rows = [row(1, "näïve\u2028"), row(2, "x")]
    save_evaluation(Path("a.json"), SETTINGS, rows)
    check_run_path(Path("a.json"))
    assert read_run(Path("a.json")) == Run(Path("a.json"), SETTINGS, rows)
    for content in ("", "[]", "{}", '{"sftdata_evaluation": 1, "rows": [{}], "settings": {}}'):
        Path("b.json").write_text(content)
        with pytest.raises(SftdataError, match=r"b\.json is no saved evaluation"):
            read_run(Path("b.json"))
    Path("notes.txt").write_text("mine")
    with pytest.raises(SftdataError, match="so it stays as it is"):
        check_run_path(Path("notes.txt"))
    with pytest.raises(SftdataError, match="no folder 'none'"):
        check_run_path(Path("none/a.json"))
    Path("b.json").write_text('{"sftdata_evaluation": 2}')
    with pytest.raises(SftdataError, match="newer version"):
        read_run(Path("b.json"))
    with pytest.raises(SftdataError, match="cannot be read: No such file"):
        read_run(Path("c.json"))


@pytest.mark.parametrize(
    "changes",
    [
        {"losses": 3}, {"losses": {}}, {"losses": {"base": 1.0, "tuned": "x"}},
        {"losses": {"base": 10**400, "tuned": 1.0}}, {"answers": None}, {"answers": {"base": "x"}},
        {"losses": {"x": 1.0}, "answers": {"x": "x"}}, {"references": "x"}, {"references": []},
        {"targets": 0}, {"shots": None}, {"row_id": 3}, {"other": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_saved_row_of_another_shape_is_refused(changes: dict[str, Any]) -> None:
    content = {"sftdata_evaluation": 1, "settings": {}, "rows": [asdict(row(1, "x")) | changes]}
    Path("a.json").write_text(json.dumps(content))
    with pytest.raises(SftdataError, match=r"a\.json is no saved evaluation"):
        read_run(Path("a.json"))


def test_the_command_prints_the_table_and_the_page_marks_the_differences() -> None:
    hostile = "<script>alert(1)</script>\u202e"
    save_evaluation(
        Path("a.json"), SETTINGS, [row(1, "the wrong word", references=["the right word"])]
    )
    save_evaluation(Path("b.json"), {}, [row(1, hostile, references=["the right word"])])
    done = CliRunner().invoke(cli, ["compare-runs", "a.json", "b.json", "--html", "runs.html"])
    assert done.exit_code == 0, done.output
    assert "  training.recipe.seed: 0 | -\n" in done.output
    assert "b against a, exact match: no difference\n" in done.output
    page = Path("runs.html").read_text()
    assert "the <del>right </del><ins>wrong </ins>word" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}" in page
    done = CliRunner().invoke(cli, ["compare-runs", "a.json", "--json"])
    assert done.exit_code == 2
    assert "two saved evaluations or more" in done.output
    done = CliRunner().invoke(cli, ["compare-runs", "a.json", "a.json", "--json"])
    assert json.loads(done.stdout)["differs"] == []


def test_the_page_says_how_many_rows_are_answered_differently() -> None:
    a = make_run("a", [row(i, "right") for i in range(30)])
    b = make_run("b", [row(i, "wrong" if i % 2 else "right") for i in range(30)])
    page = render_runs(compare_runs([a, b]))
    assert "<p>15 of 30; the first 12 are shown.</p>" in page
