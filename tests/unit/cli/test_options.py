"""Shared options: what a command gets, and the message for a value that cannot be used."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from sftdata.cli.options import chat_option, map_option, row_option


@click.command()
@map_option()
@row_option()
def show(fields: dict[str, str], row: dict[str, Any]) -> None:
    click.echo(json.dumps([fields, row]))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(show, arguments)


@click.command()
@chat_option()
def show_chat(chat_options: dict[str, Any] | None) -> None:
    click.echo(json.dumps(chat_options))


@pytest.mark.parametrize(
    ("value", "meant"),
    [("false", False), ("False", False), ("True", True), ("None", None), ("2", 2), ("low", "low")],
)
def test_a_chat_option_is_json_or_text_and_false_is_false_in_python_too(
    value: str, meant: Any
) -> None:
    done = CliRunner().invoke(show_chat, ["--chat-option", f"enable_thinking={value}"])
    assert json.loads(done.stdout) == {"enable_thinking": meant}


def test_maps_are_a_dict_from_field_to_path_and_a_row_is_a_dict() -> None:
    done = run("--map", "a=b.c[0]", "--map", "d=e=f", "--map", "g", "--row", '{"text": 1}')
    assert json.loads(done.stdout) == [{"a": "b.c[0]", "d": "e=f", "g": "g"}, {"text": 1}]
    assert json.loads(run("--row", "{}").stdout) == [{}, {}]


@pytest.mark.parametrize("value", ["a=", "=b", "="])
def test_a_map_without_field_or_path_is_wrong_usage(value: str) -> None:
    done = run("--map", value, "--row", "{}")
    assert done.exit_code == 2
    assert f"Invalid value for '--map': '{value}' is not FIELD=PATH." in done.stderr


def test_a_field_that_is_mapped_twice_is_wrong_usage() -> None:
    done = run("--map", "a=b", "--map", "a=c", "--row", "{}")
    assert done.exit_code == 2
    assert "'a' is mapped more than once" in done.stderr


@pytest.mark.parametrize(
    ("value", "fault"),
    [("{", "not JSON: Expecting property name"), ("[1]", 'not a JSON object, such as {"text"')],
)
def test_a_row_that_is_no_json_object_is_wrong_usage(value: str, fault: str) -> None:
    done = run("--row", value)
    assert done.exit_code == 2
    assert f"Invalid value for '--row': {fault}" in done.stderr
