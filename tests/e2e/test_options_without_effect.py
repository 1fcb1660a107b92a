"""Commands: what an option asks for is done, or named as not there or without effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from click import Command
from click.testing import CliRunner
from support.forty_rows import rows, write_rows, write_spec

from sftdata.building.build import build
from sftdata.building.dry_run import dry_run
from sftdata.building.rebuild import rebuild
from sftdata.cli.build import command as build_command
from sftdata.cli.diff import command as diff
from sftdata.cli.inspect import command as inspect
from sftdata.cli.ledger import command as ledger
from sftdata.cli.pack import command as pack
from sftdata.cli.report import command as report
from sftdata.errors import SftdataError
from sftdata.exporting.export import export


@pytest.fixture(autouse=True)
def _rows(byte_tokenizer: Path) -> None:
    write_rows(rows())
    write_spec(byte_tokenizer)


def test_an_empty_ledger_says_that_it_is_empty() -> None:
    build(spec="spec.toml", out="out")
    found = CliRunner().invoke(ledger, ["out"])
    assert (found.stdout, found.stderr) == (
        "",
        "The ledger is empty: no row was dropped, cut or flagged.\n",
    )
    for command in (ledger, inspect):
        error = CliRunner().invoke(command, ["out", "--reason", "too_long"]).exception
        assert str(error) == (
            "No row has the reason 'too_long': no row was dropped, cut or flagged.\n"
            "Leave --reason out."
        )


def test_a_split_without_rows_is_named() -> None:
    build(spec="spec.toml", split={"train": 1.0, "test": 0.0}, out="out")
    error = CliRunner().invoke(inspect, ["out", "--split", "test"]).exception
    assert str(error) == "The split 'test' has no rows.\nSplits with rows: train."


def test_a_rebuild_says_what_it_replaces() -> None:
    build(spec="spec.toml", out="one")
    build(spec="spec.toml", seed=7, out="two")
    said: list[str] = []
    rebuild(Path("one"), Path("two"), report=said.append)
    assert said == ["Replaced the dataset in two: it held 40 rows of rows.jsonl."]


def test_a_pack_is_no_packs() -> None:
    build(spec="spec.toml", split={"train": 1.0}, out="out")
    out = CliRunner().invoke(pack, ["out", "--max-length", "9000"]).stdout
    assert "40 rows in 1 pack of 9,000 tokens" in out
    assert "at least 1 pack needed" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--row", "r1", "--task", "x", "--min-tokens", "9"], "leave --task, --min-tokens out"),
        (["--index", "1", "--limit", "2"], "--limit is for the first rows"),
        (["--seed", "1"], "--random, which is not given"),
        (["--view", "text", "--json"], "--view is for the terminal"),
        (["--min-tokens", "9", "--max-tokens", "3"], "No row has 9 tokens or more and 3 or fewer"),
    ],
)
def test_options_of_inspect_that_would_have_no_effect_are_refused(
    options: list[str], message: str
) -> None:
    found = CliRunner().invoke(inspect, ["out", *options])
    assert found.exit_code == 2
    assert message in found.stderr


@pytest.mark.parametrize(
    ("command", "options"),
    [(inspect, ["--html"]), (report, ["-o"]), (diff, ["out", "--html"])],
    ids=["inspect", "report", "diff"],
)
def test_a_page_replaces_a_page_and_no_other_file(command: Command, options: list[str]) -> None:
    build(spec="spec.toml", out="out")
    page = Path("page.html")
    for _ in range(2):
        assert CliRunner().invoke(command, ["out", *options, "page.html"]).exit_code == 0
    page.write_text("<html>Mine.</html>")
    error = CliRunner().invoke(command, ["out", *options, "page.html"]).exception
    assert "page.html is not a page of sftdata" in str(error)
    assert page.read_text() == "<html>Mine.</html>"
    error = CliRunner().invoke(command, ["out", *options, "no/page.html"]).exception
    assert "There is no folder 'no'" in str(error)


def test_a_length_for_a_format_without_packs_is_refused() -> None:
    build(spec="spec.toml", out="out")
    with pytest.raises(SftdataError, match="--max-length has no effect"):
        export(Path("out"), "trl", Path("trl"), max_length=9)
    assert not Path("trl").exists()


def test_a_dry_run_refuses_the_folder_that_the_build_would_refuse() -> None:
    for make in (build, dry_run):
        with pytest.raises(SftdataError, match="neither empty nor a dataset"):
            make(spec="spec.toml", out=".")


def test_a_dry_run_refuses_what_a_build_refuses() -> None:
    options = ["--spec", "spec.toml", "--dry-run", "--address", "ray-head:6379"]
    error = CliRunner().invoke(build_command, options).exception
    assert str(error).startswith("--address ray-head:6379 has no effect without --engine ray.")
