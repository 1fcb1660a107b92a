"""The first minutes: the bare command, the environment, schemas, and what to type next."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from sftdata.cli import cli


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.mark.parametrize("group", [(), ("template",)])
def test_a_group_alone_shows_its_help_once(group: tuple[str, ...]) -> None:
    done = run(*group)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == run(*group, "--help").stdout
    assert done.stdout.count("Usage:") == 1


def test_the_environment_is_shown_and_printed_as_json() -> None:
    facts = json.loads(run("env", "--json").stdout)
    shown = run("env").stdout
    assert f"sftdata      {facts['sftdata']}\n" in shown
    assert f"pyarrow      {facts['packages']['pyarrow']}\n" in shown
    assert facts["cache"] in shown


@pytest.mark.parametrize("kind", ["spec", "recipe"])
def test_a_schema_is_json_that_describes_each_key(kind: str) -> None:
    schema = json.loads(run("schema", kind).stdout)
    assert all(key["description"] for key in schema["properties"].values())
    assert schema["additionalProperties"] is False


def test_a_summary_ends_with_the_next_command() -> None:
    done = run("build", "--task", "completion", "--out", "my data")
    assert done.exit_code == 0
    command = "sftdata inspect 'my data' --random 3"
    assert done.stdout.splitlines()[-1] == f"  next      {command}"
    assert run("inspect", "my data", "--random", "3").exit_code == 0


def test_a_summary_leads_to_the_ledger_where_rows_were_lost() -> None:
    done = run("build", "--task", "completion", "--max-length", "16", "--max-dropped", "100")
    assert done.stdout.splitlines()[-1] == "            sftdata ledger data/completion"
    assert run("ledger", "data/completion").exit_code == 0


def test_json_has_no_next_command() -> None:
    done = run("build", "--task", "completion", "--json")
    assert "next" not in json.loads(done.stdout)
    assert "inspect" not in done.stdout
