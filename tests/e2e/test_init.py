"""`sftdata init`: from a file to a project that builds again, and to the mask of a first row."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sftdata.cli import cli
from sftdata.errors import SftdataError
from sftdata.spec.json_schema import spec_schema

NEWS = [{"article": f"Article {n} is long.", "summary": f"Sum {n}."} for n in range(10)]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def write_rows(rows: Sequence[Mapping[str, Any]], path: str = "rows.jsonl") -> None:
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))


def error_of(*arguments: str) -> str:
    done = run(*arguments)
    assert isinstance(done.exception, SftdataError), done.output
    return str(done.exception)


SHAPES: dict[str, tuple[dict[str, Any], str]] = {
    "instruct": ({"instruction": "Say {n}.", "input": "", "output": "It is {n}."}, "It is"),
    "dolly": ({"instruction": "Say {n}.", "context": "c", "response": "It is {n}."}, "It is"),
    "completion": ({"prompt": "One {n}", "completion": " two {n}"}, "two"),
    "messages": (
        {"messages": [{"role": "user", "content": "{n}?"}, {"role": "assistant", "content": "It"}]},
        "It",
    ),
    "usual names": ({"title": "T", "body": "Article {n}.", "highlights": "Sum {n}."}, "Sum"),
    "own": ({"Ticket text": "It broke {n}.", "url": "u", "Team": "hardware"}, "hardware"),
    "numbers": ({"premise": "P {n}.", "2nd part": "H {n}.", "label": 1}, "1"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_any_shape_become_a_project_that_builds_again(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, taught = SHAPES[shape]
    rows = [json.loads(json.dumps(row).replace("{n}", str(n))) for n in range(10)]
    write_rows(rows)
    done = run("init", "project", "--data", "rows.jsonl")
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith("rows.jsonl has the columns ")
    assert "Built.\n  rows      10 in, 10 out" in done.stdout
    shown = done.stdout.partition("The first example")[2]
    assert taught in shown
    assert "── taught" in shown or "── assistant, taught" in shown
    assert done.stdout.endswith("  sftdata build --task rows\n")
    monkeypatch.chdir("project")
    assert tomllib.loads(Path("pipelines/rows.toml").read_text())["data"] == ["../../rows.jsonl"]
    again = run("build", "--task", "rows")
    assert again.stdout.startswith("Up to date: nothing was rebuilt.\n"), again.output
    for line in ("build --task rows --dry-run", "template check", "stats data/rows"):
        assert run(*line.split()).exit_code == 0, line


def test_the_files_of_a_project(tmp_path: Path) -> None:
    write_rows([{"text": f"Text {n}.", "label": "good"} for n in range(10)])
    assert run("init", "project", "--data", "rows.jsonl").exit_code == 0
    written = {
        path.relative_to("project").as_posix()
        for path in Path("project").rglob("*")
        if path.is_file() and "data" not in path.parts
    }
    assert written == {
        "pipelines/rows.toml", "pipelines/spec.schema.json", "templates/rows/plain.jinja",
        ".github/workflows/sftdata.yml", ".gitignore", "README.md",
    }  # fmt: skip
    spec = Path("project/pipelines/rows.toml").read_text()
    assert spec.startswith("#:schema spec.schema.json\n")
    assert json.loads(Path("project/pipelines/spec.schema.json").read_text()) == spec_schema()
    assert str(tmp_path) not in spec
    assert "/data/\n" in Path("project/.gitignore").read_text()
    assert "--task rows" in Path("project/.github/workflows/sftdata.yml").read_text()


def test_the_rows_may_lie_in_the_folder() -> None:
    Path("project").mkdir()
    write_rows(NEWS, "project/rows.jsonl")
    done = run("init", "project", "--data", "project/rows.jsonl")
    assert done.exit_code == 0, done.output
    assert 'data = ["../rows.jsonl"]' in Path("project/pipelines/rows.toml").read_text()


def test_a_project_inside_another_one_knows_nothing_of_it() -> None:
    Path("pipelines").mkdir()
    Path("pipelines/own.toml").write_text(
        'task = "own"\ndata = ["x"]\ntokenizer = "t"\ntemplate = "own/t"\n'
        '[fields]\narticle = "article"\nsummary = "summary"\nextra = "extra"\n'
    )
    write_rows([row | {"extra": "e"} for row in NEWS])
    done = run("init", "project", "--data", "rows.jsonl")
    assert done.exit_code == 0, done.output
    assert "rows of the task summarize" in done.stderr


def test_the_tokenizer_is_named_relative_to_the_spec(byte_tokenizer: Path) -> None:
    write_rows(NEWS)
    Path("byte").symlink_to(byte_tokenizer)
    done = run("init", "project", "--data", "rows.jsonl", "--tokenizer", "byte")
    assert done.exit_code == 0, done.output
    assert 'tokenizer = "../../byte"' in Path("project/pipelines/rows.toml").read_text()
    assert "small bundled tokenizer" not in done.stderr


def test_a_folder_that_holds_other_files_is_refused_and_stays() -> None:
    write_rows(NEWS)
    Path("project").mkdir()
    Path("project/README.md").write_text("mine")
    message = error_of("init", "project", "--data", "rows.jsonl")
    assert message.startswith("project is not empty: it holds 'README.md'.\n")
    assert [path.name for path in Path("project").iterdir()] == ["README.md"]
    assert Path("project/README.md").read_text() == "mine"


FILES = (  # in the order in which they are written
    "pipelines/rows.toml", "pipelines/spec.schema.json", "templates/rows/plain.jinja",
    ".github/workflows/sftdata.yml", ".gitignore", "README.md", "data/rows/.lock",
)  # fmt: skip


@pytest.mark.parametrize("shape", ["usual names", "own", "messages"])
def test_the_same_command_goes_on_where_a_killed_one_stopped(shape: str) -> None:
    row, _ = SHAPES[shape]
    write_rows([json.loads(json.dumps(row).replace("{n}", str(n))) for n in range(10)])
    assert run("init", "whole", "--data", "rows.jsonl").exit_code == 0
    whole = {path.relative_to("whole") for path in Path("whole").rglob("*")}
    for left in (1, 3, 7):
        shutil.rmtree("project", ignore_errors=True)
        written = [Path(name) for name in FILES if Path(name) in whole][:left]
        for path in written:
            Path("project", path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path("whole", path), Path("project", path))
        Path("project/.README.md.4711").write_text("# ro")  # half written
        done = run("init", "project", "--data", "rows.jsonl")
        assert done.exit_code == 0, done.output
        assert {path.relative_to("project") for path in Path("project").rglob("*")} == whole
    with Path("project/pipelines/rows.toml").open("a") as file:
        file.write("# mine")
    assert "project is not empty: it holds 'pipelines'" in error_of(
        "init", "project", "--data", "rows.jsonl"
    )
    assert Path("project/pipelines/rows.toml").read_text().endswith("# mine")


def test_without_rows_it_says_what_it_does() -> None:
    done = run("init", "project")
    assert done.exit_code == 2
    assert "Give the file with your rows: --data FILE" in done.output
    assert not Path("project").exists()


@pytest.mark.parametrize(
    ("row", "arguments", "told"),
    [
        (None, [], "There is no file 'rows.jsonl'."),
        ({"text": "One."}, [], "an example needs two texts"),
        ({"article": "a", "summary": "b"}, ["--tokenizer", "./nope"], "no tokenizer directory"),
        ({"article": "a", "summary": "b"}, ["--task", "sumarize"], "Did you mean 'summarize'?"),
        (
            {"article": "a", "x": "b", "y": "c"},
            ["--task", "translate"],
            "also needs source, translation, source_lang",
        ),
    ],
)
def test_what_cannot_become_a_project_is_an_error_and_leaves_nothing(
    row: dict[str, str] | None, arguments: list[str], told: str
) -> None:
    if row is not None:
        write_rows([row])
    assert told in error_of("init", "deep/project", "--data", "rows.jsonl", *arguments)
    assert not Path("deep").exists()


def test_rows_that_cannot_be_built_leave_a_project_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows([*NEWS, {"article": "", "summary": "x"}, {"article": "", "summary": "y"}])
    message = error_of("init", "project", "--data", "rows.jsonl")
    assert "2 of 12 rows" in message
    assert message.endswith("then: cd project && sftdata build --task rows")
    monkeypatch.chdir("project")
    assert run("build", "--task", "rows", "--max-dropped", "20").exit_code == 0


def test_columns_that_mean_two_things_need_a_word() -> None:
    two = {"article": "a", "summary": "b", "instruction": "c", "output": "d"}
    write_rows([two | {"article": f"Article {n}."} for n in range(10)])
    message = error_of("init", "project", "--data", "rows.jsonl")
    assert "Say which: --task instruct or --task summarize" in message
    assert not Path("project").exists()
    assert run("init", "project", "--data", "rows.jsonl", "--task", "summarize").exit_code == 0
    assert "summarize/article" in Path("project/pipelines/rows.toml").read_text()
