"""The command line as its users run it: a process with arguments, two streams and an exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.forked.shared import data_python

from sftdata.building.build import build
from sftdata.cli import _COMMANDS
from sftdata.loading.dataset import load

PROMPT = "You are a helpful assistant that summarizes articles.\n\nArticle:\n{}\n\nSummary:\n"
NEWS = [{"id": f"n{i}", "article": f"Article {i}.", "summary": f"Sum {i}."} for i in range(100)]
BAD = {"id": "bad", "article": "", "summary": "x"}
# ESC and OSC sequences, BEL, C1, bidi, zero-width, line separator, markup.
HOSTILE = "\x1b[31mred \x1b]0;title\x07 \x9b2J \u202eabc\u2066 \u200b\ufeff \u2028 [bold]b[/bold]"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def sftdata(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> Done:
    done = data_python().run("sftdata", *arguments, stdin=stdin, env=environment)
    result = Done(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in result.err
    return result


def jsonl(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def hidden(text: str) -> set[str]:
    """Characters a terminal may act on, or that are not seen at all; line ends aside."""
    return {c for c in text if (unicodedata.category(c)[0] == "C" or c in "\u2028\u2029")} - {"\n"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def first_build(folder: Path) -> Done:
    (folder / "news.jsonl").write_bytes(jsonl([*NEWS, BAD]))
    return sftdata(
        "build", "--data", folder / "news.jsonl", "--out", folder / "news", "--max-dropped", "5",
        "--template", "summarize/article", "--json",
    )  # fmt: skip


@pytest.fixture
def news(folder: Path, first_build: Done) -> Path:
    assert first_build.code == 0
    return folder / "news"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset whose text, ids, file name and folder are all hostile."""
    folder = tmp_path_factory.mktemp("hostile") / "out\u202e\x07[bold]"
    source = folder.parent / "in\u200b\x1b[31m[red].jsonl"
    rows = [
        {"id": f"id {HOSTILE}", "article": HOSTILE * 2, "summary": f"s {HOSTILE}"},
        {"id": f"line\nbreak {HOSTILE}", "article": "", "summary": "x"},
    ]
    source.write_bytes(jsonl(rows))
    build("summarize", data=source, out=folder, max_dropped=50, template="summarize/article")
    return folder


# --- build ---------------------------------------------------------------------------------------


def test_build_with_no_option_makes_the_bundled_sample() -> None:
    done = sftdata("build")
    assert done.code == 0
    assert "76 in, 76 out" in done.out
    assert load("data/summarize").manifest["rows_out"] == 76


def test_build_json_prints_the_summary_and_nothing_else_on_stdout(
    first_build: Done, folder: Path
) -> None:
    assert first_build.code == 0
    summary = first_build.json
    assert {
        "version", "build", "task", "draft", "template", "rows_in", "rows_out", "dropped", "cut",
        "certificate", "stats", "splits",
    } <= summary.keys()  # fmt: skip
    assert (summary["rows_in"], summary["rows_out"]) == (101, 100)
    assert summary["dropped"] == {"empty_field": 1}
    manifest = json.loads((folder / "news/manifest.json").read_bytes())
    assert summary == {key: manifest[key] for key in summary}


def test_build_maps_fields_and_reads_standard_input() -> None:
    rows = [{"key": "k1", "body": {"text": ["Hello"]}, "highlights": "Hi"}]
    done = sftdata(
        "build", "--data", "-", "--map", "id=key", "--map", "article=body.text[0]",
        "--map", "summary=highlights", "--template", "summarize/article", "--out", "out", "--json",
        stdin=jsonl(rows),
    )  # fmt: skip
    assert (done.code, done.json["rows_out"]) == (0, 1)
    (shown,) = sftdata("inspect", "out", "--json").json_lines
    assert (shown["row_id"], shown["prompt"], shown["target"]) == (
        "k1",
        PROMPT.format("Hello"),
        "Hi",
    )


def test_a_second_build_has_nothing_to_do(news: Path, folder: Path) -> None:
    done = sftdata(
        "build",
        "--data",
        folder / "news.jsonl",
        "--out",
        news,
        "--template",
        "summarize/article",
        "--max-dropped",
        "5",
    )
    assert done.code == 0
    assert "Up to date" in done.out


def test_a_dry_run_checks_and_writes_nothing() -> None:
    Path("a.jsonl").write_bytes(jsonl([*NEWS[:3], BAD]))
    done = sftdata("build", "--data", "a.jsonl", "--dry-run", "--out", "out")
    assert (done.code, done.out) == (0, "")
    assert "Of the first 4 rows, 3 become examples" in done.err
    assert "Not checked: later rows, duplicates, and ids that repeat." in done.err
    assert "empty_field" in done.err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (["empty.jsonl"], "empty.jsonl: no rows"),
        (["broken.jsonl"], "broken.jsonl: row 1, which begins on line 1"),
        (["good.jsonl", "other.jsonl"], "other.jsonl has: id, summary, text"),
    ],
)
def test_a_dry_run_fails_where_the_build_would(data: list[str], told: str) -> None:
    Path("good.jsonl").write_bytes(jsonl(NEWS))
    Path("empty.jsonl").touch()
    Path("broken.jsonl").write_bytes(b"{\n")
    Path("other.jsonl").write_bytes(jsonl([{"id": "1", "text": "a", "summary": "b"}]))
    done = sftdata("build", "--dry-run", *[part for name in data for part in ("--data", name)])
    assert (done.code, done.out) == (1, "")
    assert told in done.err


# --- exit codes and errors -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["build", "--task", "sumarize"], "Did you mean 'summarize'?"),
        (["build", "--template", "summarize/artcle"], "Did you mean 'summarize/article'?"),
        (["build", "--data", "nope.jsonl"], "'nope.jsonl'"),
        (["build", "--tokenizer", "./nope"], "'./nope'"),
        (["build", "--spec", "nope.toml"], "nope.toml"),
        (["build", "--map", "article=artcle"], "Did you mean 'article'?"),
        (["build", "--map", "article=a["], "not a field path"),
        (["build", "--out", "file/sub"], "file"),
        (["stats", "nope"], "nope does not exist"),
        (["ledger", "nope"], "nope does not exist"),
        (["inspect", "nope"], "nope does not exist"),
        (["verify", "nope"], "nope does not exist"),
    ],
)
def test_wrong_data_or_input_is_one_message_and_exit_code_1(
    arguments: list[str], told: str
) -> None:
    Path("file").touch()
    done = sftdata(*arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error E")
    assert done.err.count("Error") == 1
    assert told in done.err
    assert done.err.count("\n") > 1, "what to do stands on a line of its own"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bild"], "Did you mean 'build'?"),
        (["build", "--tsk", "x"], "--task"),
        (["build", "--map", "=article"], "FIELD=PATH"),
        (["build", "--max-length", "1"], "--max-length"),
        (["build", "--workers", "0"], "--workers"),
        (["build", "--max-dropped", "101"], "--max-dropped"),
        (["stats"], "DATASET"),
        (["inspect", "x", "--index", "1", "--row", "a"], "--row, --index and --random"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], told: str) -> None:
    done = sftdata(*arguments)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_unknown_names_inside_a_data_set_end_in_a_suggestion(news: Path) -> None:
    for arguments, told in {
        ("inspect", "--split", "trian"): "Did you mean 'train'?",
        ("inspect", "--row", "nope"): "sftdata ledger",
        ("inspect", "--index", "1000"): "1000",
        ("ledger", "--reason", "empty_fild"): "Did you mean 'empty_field'?",
    }.items():
        done = sftdata(arguments[0], news, *arguments[1:])
        assert (done.code, done.out) == (1, ""), arguments
        assert told in done.err


def test_too_many_drops_are_exit_code_1_and_nothing_is_committed() -> None:
    Path("a.jsonl").write_bytes(jsonl([BAD, *NEWS[:9]]))
    done = sftdata("build", "--data", "a.jsonl", "--out", "out", "--max-dropped", "9")
    assert done.code == 1
    assert "1 empty_field, such as a.jsonl:1: 'article' is empty" in done.err
    assert "--max-dropped 10" in done.err
    assert not Path("out/manifest.json").exists()
    assert sftdata("build", "--data", "a.jsonl", "--out", "out", "--max-dropped", "10").code == 0


def test_a_broken_manifest_is_an_error_of_every_command(news: Path) -> None:
    Path("m").mkdir()
    for text in ("{", '{"version": 1}'):
        Path("m/manifest.json").write_text(text)
        for command in ("stats", "ledger", "inspect", "verify"):
            done = sftdata(command, "m")
            assert done.code in (1, 3), (command, text)
            assert done.err.startswith("Error E"), (command, text)


def test_verify_is_exit_code_3_when_a_file_was_changed(news: Path) -> None:
    assert sftdata("verify", news).code == 0
    intact = sftdata("verify", news, "--deep", "--json")
    assert (intact.code, intact.json["verified"], intact.json["faults"]) == (0, True, [])
    assert any(line.startswith("sources: ") for line in intact.json["checked"])
    assert intact.json["not_proved"] == []
    copy = Path(shutil.copytree(news, "copy"))
    (shard,) = copy.glob("shards/*/train-00000.arrow")
    shard.write_bytes(shard.read_bytes()[:-1] + b"\xff")
    done = sftdata("verify", copy)
    assert (done.code, done.out) == (3, "")
    assert "train-00000.arrow" in done.err
    as_json = sftdata("verify", copy, "--json")
    assert as_json.code == 3
    assert as_json.json["verified"] is False
    assert "train-00000.arrow" in as_json.json["faults"][0]


# --- reading commands ----------------------------------------------------------------------------


def test_inspect_json_is_one_object_a_line(news: Path) -> None:
    rows = sftdata("inspect", news, "--random", "100", "--json").json_lines
    assert sorted(row["row_id"] for row in rows) == sorted(row["id"] for row in NEWS)
    written = {row["id"]: row for row in NEWS}
    for row in rows:
        assert list(row) == [
            "row_id", "split", "template", "prompt", "target", "input_ids", "label_mask",
            "target_start", "tokens", "offsets", "task", "cut", "turns",
        ]  # fmt: skip
        assert row["prompt"] == PROMPT.format(written[row["row_id"]]["article"])
        assert row["target"] == written[row["row_id"]]["summary"]
        assert len(row["input_ids"]) == len(row["label_mask"]) == len(row["tokens"])
        start = row["target_start"]
        assert row["label_mask"] == [False] * start + [True] * (len(row["input_ids"]) - start)


def test_inspect_shows_the_row_that_was_asked_for(news: Path) -> None:
    done = sftdata("inspect", news, "--row", "n7")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("n7  ")
    assert PROMPT.format("Article 7.") + "── taught, 4 tokens\n«Sum 7.<|endoftext|>»" in done.out
    first = load(news)["test"][0].row_id
    assert sftdata("inspect", news, "--split", "test", "--index", "0").out.startswith(f"{first}  ")


def test_stats_json_has_the_numbers_of_the_manifest(news: Path) -> None:
    found = sftdata("stats", news, "--json").json
    manifest = load(news).manifest
    for key in ("rows_in", "rows_out", "dropped", "cut", "stats"):
        assert found[key] == manifest[key]
    table = sftdata("stats", news).out
    assert f"{manifest['stats']['tokens']:,}" in table
    assert "empty_field" in table


def test_ledger_json_is_one_object_a_line(news: Path, folder: Path) -> None:
    (line,) = sftdata("ledger", news, "--json").json_lines
    assert line == {
        "row_id": "bad",
        "source": f"{folder}/news.jsonl:101",
        "status": "dropped",
        "reason": "empty_field",
        "detail": "'article' is empty",
    }
    assert sftdata("ledger", news, "--reason", "empty_field", "--json").json == line
    assert "news.jsonl:101 (row bad): dropped, empty_field" in sftdata("ledger", news).out


# --- streams and terminals -----------------------------------------------------------------------


def test_messages_go_to_stderr_and_results_to_stdout(first_build: Done) -> None:
    json.loads(first_build.out)
    assert "draft" in first_build.err or not first_build.json["draft"]


def test_without_a_terminal_or_with_no_color_nothing_is_coloured(news: Path) -> None:
    for environment in ({"TERM": "xterm-256color"}, {"NO_COLOR": "1"}):
        for command in ("inspect", "ledger"):
            done = sftdata(command, news, **environment)
            assert done.code == 0
            assert "\x1b" not in done.out + done.err


def test_with_no_color_a_terminal_gets_no_colour(news: Path) -> None:
    coloured = on_a_terminal("inspect", str(news), "--index", "0", TERM="xterm-256color")
    plain = on_a_terminal("inspect", str(news), "--index", "0", TERM="xterm-256color", NO_COLOR="1")
    assert "\x1b[1;32m" in coloured
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", plain) is None
    assert "Summary:" in plain


def on_a_terminal(*arguments: str, **environment: str) -> str:
    import pty

    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "sftdata", *arguments],
            stdout=theirs,
            stdin=theirs,
            env={k: v for k, v in os.environ.items() if k != "NO_COLOR"} | environment,
        ) as process:
            os.close(theirs)
            shown = b"".join(terminal_output(ours))
            assert process.wait(60) == 0
    finally:
        os.close(ours)
    return shown.decode()


def terminal_output(ours: int) -> Iterator[bytes]:
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # how a terminal whose program has ended reads
            return
        if not block:
            return
        yield block


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_goes_away_is_no_error(news: Path, options: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sftdata", "inspect", str(news), "--random", "100", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) in (0, 1, 141)


# --- hostile text --------------------------------------------------------------------------------


def test_build_prints_no_character_that_a_terminal_acts_on(hostile: Path) -> None:
    (source,) = hostile.parent.glob("in*.jsonl")
    done = sftdata("build", "--data", source, "--out", hostile, "--max-dropped", "50")
    assert done.code == 0
    assert hidden(done.out + done.err) == set()


@pytest.mark.parametrize("command", ["inspect", "ledger", "stats", "verify"])
def test_no_command_prints_a_character_that_a_terminal_acts_on(hostile: Path, command: str) -> None:
    done = sftdata(command, hostile)
    assert done.code == 0
    assert hidden(done.out + done.err) == set()


def test_inspect_shows_control_characters_and_markup_as_they_are(hostile: Path) -> None:
    done = sftdata("inspect", hostile)
    for shown in ("\\x1b[31mred", "\\x1b]0;title\\x07", "\\u{202e}abc\\u{2066}", "\\u{200b}"):
        assert shown in done.out
    assert "[bold]b[/bold]" in done.out


def test_json_output_is_escaped_and_exact(hostile: Path) -> None:
    done = sftdata("inspect", hostile, "--json")
    assert hidden(done.out) == set()
    assert done.json["target"] == f"s {HOSTILE}"
    (line,) = sftdata("ledger", hostile, "--json").json_lines
    assert line["row_id"] == f"line\nbreak {HOSTILE}"


def test_a_ledger_line_stays_one_line(hostile: Path) -> None:
    done = sftdata("ledger", hostile)
    *summary, line = done.out.splitlines()
    assert len(summary) == 2  # a reason and an empty line
    assert "line\\nbreak" in line


def test_an_error_shows_hostile_names_and_ids_escaped() -> None:
    name = "evil\u202e\x1b[31m.jsonl"
    Path(name).write_bytes(
        jsonl([{"id": f"a\nb{HOSTILE}", "article": "", "summary": "x"}, *NEWS[:3]])
    )
    done = sftdata("build", "--data", name, "--out", "out")
    assert done.code == 1
    assert hidden(done.err) == set()
    assert "evil\\u{202e}\\x1b[31m.jsonl:1" in done.err
    assert "a\\nb" in done.err
    done = sftdata("build", "--data", name, "--map", "article=nope", "--out", "out")
    assert done.code == 1
    assert hidden(done.err) == set()


def test_a_line_break_in_a_file_name_forges_no_line() -> None:
    name = "a\nError: forged.jsonl"
    Path(name).write_bytes(b"{\n")
    done = sftdata("build", "--data", name, "--out", "out")
    assert done.code == 1
    assert "a\\nError: forged.jsonl: row 1" in done.err


def test_wrong_arguments_are_shown_escaped() -> None:
    for arguments in (["\x07\u202ebuild"], ["build", "--map", "\x07\u202e"], ["stats", "\u202e"]):
        assert hidden(sftdata(*arguments).err) == set(), arguments


# --- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted(_COMMANDS))
def test_every_command_has_help_with_an_example_that_can_be_copied(command: str) -> None:
    done = sftdata(command, "--help")
    assert done.code == 0
    assert re.search(rf"Example:\s+sftdata {command} ", " ".join(done.out.split()))


def test_help_lists_every_command_and_version_names_the_program() -> None:
    done = sftdata("--help")
    assert done.code == 0
    for command in _COMMANDS:
        assert re.search(rf"^  {command} ", done.out, re.MULTILINE)
    assert re.fullmatch(r"sftdata \d+\.\d+\.\d+\n", sftdata("--version").out)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["build", "--help"]])
def test_help_waits_for_no_heavy_import(arguments: list[str]) -> None:
    imported = imported_by(*arguments)
    assert "click" in imported
    assert imported & {*_HEAVY, "tokenizers"} == set()


def test_nothing_to_do_waits_for_no_heavy_import() -> None:
    assert {"numpy", "pyarrow"} <= imported_by("build", "--task", "summarize")
    assert "up to date" in sftdata("build", "--task", "summarize").out.lower()
    assert imported_by("build", "--task", "summarize") & {*_HEAVY, "numpy"} == set()


_HEAVY = {"pandas", "datasets", "transformers", "torch", "pyarrow"}


def imported_by(*arguments: str) -> set[str]:
    """The top-level modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sftdata", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
