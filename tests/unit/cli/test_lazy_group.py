"""Groups of commands: a command is imported when it is used, an unknown one gets a suggestion."""

from __future__ import annotations

import sys

import click
from click.testing import CliRunner, Result

from sftdata.cli.lazy_group import LazyGroup

GROUP = LazyGroup(
    commands_at={"verify": "sftdata.cli.verify", "broken": "nowhere"},
    helps={"verify": "Check the files.", "broken": "Cannot be imported."},
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(GROUP, arguments)


def test_the_help_imports_no_command() -> None:
    done = run("--help")
    assert done.exit_code == 0
    assert [line.strip() for line in done.stdout.split("Commands:\n")[1].splitlines()] == [
        "broken  Cannot be imported.",
        "verify  Check the files.",
    ]
    assert "nowhere" not in sys.modules


def test_a_command_is_found_in_its_module() -> None:
    with click.Context(GROUP) as context:
        command = GROUP.get_command(context, "verify")
        assert command is not None
        assert command.name == "verify"
        assert GROUP.get_command(context, "nope") is None


def test_an_unknown_command_ends_in_a_suggestion() -> None:
    done = run("verfy")
    assert done.exit_code == 2
    assert "No such command 'verfy'. Did you mean 'verify'?" in done.stderr
