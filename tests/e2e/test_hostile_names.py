"""Hostile names of tasks, templates, specs, columns, tools, tokenizers and models in messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import command_server
from support.injection import HIDDEN, MARKUP, TERMINAL, raw

NAME = "x\x1b]0;PWNED\x07\x9b31m\u202e\u200b<img src=x onerror=alert(1)>[bold red]\r"
ALL = "".join([*TERMINAL, *HIDDEN, *MARKUP]).replace("/", "∕")
TURNS = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


def write_files() -> None:
    """A file of hostile columns, one of hostile tools and turns, a spec and a template."""
    tool = {"type": "function", "function": {"name": ALL}}
    rows = {
        "columns.jsonl": [{"id": str(n), NAME: "a", ALL: "b"} for n in range(3)],
        "tools.jsonl": [
            {
                "messages": TURNS,
                "tools": [tool],
                NAME: 1,
            },
            {"messages": [*TURNS, {"role": NAME, "content": "c", ALL: 1}]},
            {"messages": [{"role": "user", "content": "a", NAME: ALL}, TURNS[1]]},
        ],
    }
    for name, lines in rows.items():
        Path(name).write_text("".join(json.dumps(row) + "\n" for row in lines))
    Path("spec.toml").write_text(f"{json.dumps(NAME)} = {json.dumps(NAME)}\n[fields]\nx = 1\n")
    folder = Path("templates") / "x\x1b]0;PWNED\x07"
    folder.mkdir(parents=True)
    (folder / "a\u202e\x9b.jinja").write_text(f"{{% block {'x' * 9} %}}{NAME}{{{{ {'y' * 9} }}}}")


COMMANDS = [
    ["build", "--task", NAME],
    ["build", "--task", "grammar", "--data", "columns.jsonl"],
    ["build", "--task", "grammar", "--data", NAME],
    ["build", "--task", "grammar", "--template", NAME],
    ["build", "--task", "grammar", "--tokenizer", NAME],
    ["build", "--task", "grammar", "--map", f"text={NAME}"],
    ["build", "--task", "grammar", "--map", f"{NAME}=text"],
    ["build", "--spec", "spec.toml"],
    ["build", "--spec", NAME],
    ["build", "--data", "columns.jsonl"],
    ["build", "--data", "tools.jsonl", "--task", "chat", "--tokenizer", "tokenizers/small"],
    ["inspect", NAME],
    ["stats", NAME],
    ["doctor", NAME],
    ["ledger", NAME],
    ["verify", NAME],
    ["report", NAME, "-o", "a.html"],
    ["export", NAME, "--to", "jsonl", "--out", "o"],
    ["template", "list"],
    ["template", "show", NAME],
    ["template", "lint"],
    ["template", "check"],
    ["template", "log", NAME],
    ["train", NAME, "--model", NAME, "--out", NAME],
    ["eval", NAME, "--model", NAME],
    ["merge", NAME, "--out", NAME],
    ["audit", NAME],
    ["push", NAME, "hf:a/b"],
    ["rebuild", NAME, "--out", "o"],
    ["sources", NAME],
    [NAME],
]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """What each command prints, on both streams."""
    with pytest.MonkeyPatch.context() as patch, command_server() as server:
        patch.chdir(tmp_path_factory.mktemp("names"))
        write_files()
        done = [server.run(*arguments) for arguments in COMMANDS]
        yield [one.out + one.err for one in done]


@pytest.mark.parametrize(
    "number", range(len(COMMANDS)), ids=lambda n: f"{n}-{COMMANDS[n][0][:8]!a}"
)
def test_nothing_raw_is_printed(printed: list[str], number: int) -> None:
    assert raw(printed[number].replace("\t", "")) == set(), printed[number]
    assert "Traceback" not in printed[number]
    assert printed[number].strip()
