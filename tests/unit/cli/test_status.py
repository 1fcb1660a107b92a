"""sftdata status and build --all: a project's datasets, one line each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.forty_rows import SPEC, rows, write_rows

from sftdata.cli import cli


@pytest.fixture(autouse=True)
def _project(byte_tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pipelines").mkdir()
    write_rows(rows())
    text = SPEC.replace('"rows.jsonl"', '"../rows.jsonl"')
    Path("pipelines/made.toml").write_text(text.replace("{tokenizer}", str(byte_tokenizer)))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_all_specs_are_built_and_then_up_to_date() -> None:
    assert run("status").output.startswith("not built   data/made\n")
    assert run("status", "--check").exit_code == 1
    assert run("build", "--all").exit_code == 0
    assert run("status").output == "up to date  data/made\n"
    assert run("status", "--check").exit_code == 0
    write_rows(rows(41))
    (entry,) = json.loads(run("status", "--json").output)
    assert (entry["state"], entry["reasons"]) == ("stale", ["rows: ../rows.jsonl changed"])


def test_a_fault_is_one_line_and_no_build_is_offered_for_it() -> None:
    run("build", "--all")
    Path("pipelines/bad.toml").write_text("tas = 1\n")
    output = run("status").output
    assert "and the options given: " in output
    assert "\\n" not in output
    assert "build --all" not in output
    write_rows(rows(41))
    assert "To build the 1 stale or not built: sftdata build --all" in run("status").output


def test_a_spec_with_faults_does_not_keep_the_others_from_being_built() -> None:
    Path("pipelines/bad.toml").write_text("tas = 1\n")
    done = run("build", "--all")
    assert done.exit_code == 1
    assert "Not built: bad." in done.output
    assert Path("data/made/manifest.json").is_file()


def test_all_goes_with_no_option_of_one_build() -> None:
    done = run("build", "--all", "--max-length", "9")
    assert done.exit_code == 2
    assert (
        "--all goes with --workers, --engine, --address, --frozen and --json alone" in done.output
    )
