"""Files nested in thousands of levels: read, or one message soon; never a traceback or a signal."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.commands import CommandServer, command_server
from support.forty_rows import rows, write_rows
from support.places import BUNDLED_TOKENIZER, ROOT

SECONDS = 60.0  # of the clock: the machine may be busy
DEPTHS = (300, 960, 100_000)  # what orjson does not write, what Python just reads, what none reads
BUILD = ("build", "--task", "summarize", "--data", "rows.jsonl", "--tokenizer", "tok", "--out", "o")
CHAT = ("build", "rows.jsonl", "--chat", "--tokenizer", "tok", "--max-dropped", "100", "--out", "o")
QUESTION = '"Q"'
TURNS = f'[{{"role": "user", "content": {QUESTION}}}, {{"role": "assistant", "content": "A"}}]'
CHAT_ROW = f'{{"messages": {TURNS}}}\n'
TEMPLATE = ROOT / "templates/summarize/article.jinja"

Write = Callable[[str], tuple[str, ...]]


def _row(line: str) -> Write:
    def write(value: str) -> tuple[str, ...]:
        good = json.dumps(rows(1)[0]) + "\n"
        Path("rows.jsonl").write_text(good + line.replace("DEEP", value) + "\n")
        return (*BUILD, "--max-dropped", "100")

    return write


def _file(name: str, text: str = "DEEP", command: tuple[str, ...] = BUILD) -> Write:
    def write(value: str) -> tuple[str, ...]:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text.replace("DEEP", value))
        return command

    return write


def _chat(line: str) -> Write:
    return _file("rows.jsonl", CHAT_ROW + line + "\n", CHAT)


def _csv(value: str) -> tuple[str, ...]:
    Path("rows.csv").write_text(f'id,article,summary\na,x,"{value}"\n'.replace('{"a"', '{""a""'))
    return (*BUILD[:4], "rows.csv", *BUILD[5:])


def _whole_manifest(value: str) -> tuple[str, ...]:
    shutil.rmtree("o", ignore_errors=True)
    return _file("o/manifest.json", command=("verify", "o"))(value)


def _array(value: str) -> tuple[str, ...]:
    Path("rows.json").write_text(f"[{json.dumps(rows(1)[0])}, {value}]")
    return ("init", "project", "--data", "rows.json")


PLACES: dict[str, Write] = {
    "a row": _row("DEEP"),
    "a field that is read": _row('{"id": "b", "article": DEEP, "summary": "s"}'),
    "a field that is not read": _row('{"id": "b", "article": "a", "summary": "s", "x": DEEP}'),
    "a file of one array": _array,
    "a cell of a CSV file": _csv,
    "turns": _chat('{"messages": DEEP}'),
    "the content of a turn": _chat(f'{{"messages": {TURNS.replace(QUESTION, "DEEP")}}}'),
    "tools": _chat(f'{{"messages": {TURNS}, "tools": [{{"name": "f", "parameters": DEEP}}]}}'),
    "a manifest": _whole_manifest,
    "a passport": _file(
        "adapter/sftdata.json", command=("serve-config", "adapter", "--for", "vllm")
    ),
    "tokenizer.json": _file("tok/tokenizer.json"),
    "a key of tokenizer_config.json": _file(
        "tok/tokenizer_config.json", '{"eos_token": "<eos>", "x": DEEP}'
    ),
    "added_tokens.json": _file("tok/added_tokens.json", '{"x": DEEP}'),
    "generation_config.json": _file("tok/generation_config.json", '{"eos_token_id": DEEP}'),
    "a template": _file(
        "templates/my/t.jinja",
        "{% block prompt %}\n{{ DEEP }}{{ article }}\n{% endblock %}\n"
        "{% block target %}\n{{ summary }}\n{%- endblock %}\n",
        ("template", "lint", "my/t", "--json"),
    ),
}  # fmt: skip
TOML_PLACES: dict[str, Write] = {
    "a spec": _file("spec.toml", "DEEP\n", ("build", "--spec", "spec.toml")),
    "the lock": _file("templates/templates.lock", '"a" = 1\nDEEP\n', ("template", "log", "my/t")),
    "metadata of a template": _file(
        "templates/my/t.jinja", f"{{# DEEP #}}\n{TEMPLATE.read_text().partition('#}')[2]}",
        ("template", "release", "my/t"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[CommandServer]:
    with command_server() as started:
        yield started


def check(server: CommandServer, command: tuple[str, ...]) -> None:
    start = time.monotonic()
    done = server.run(*command)
    assert not done.is_crash, done.err[-500:]
    assert done.code == 0 or done.is_one_message or command[:2] == ("template", "lint"), done
    assert len(done.err) < 2000
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize("place", PLACES)
def test_deep_json_is_read_or_one_message(place: str, server: CommandServer) -> None:
    shutil.copytree(BUNDLED_TOKENIZER, "tok")
    write_rows(rows(3))
    for depth in DEPTHS:
        for value in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
            check(server, PLACES[place](value))


@pytest.mark.parametrize("place", TOML_PLACES)
def test_deep_toml_is_read_or_one_message(place: str, server: CommandServer) -> None:
    for depth in DEPTHS:
        for value in (
            f"x = {'[' * depth}{']' * depth}", f"x = {'{a = ' * depth}1{'}' * depth}",
            f"{'a.' * depth}b = 1",
        ):  # fmt: skip
            check(server, TOML_PLACES[place](value))
