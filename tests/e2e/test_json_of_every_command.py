"""`--json` of every command that has it: JSON on stdout, and nothing else there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from support.fake_hub import logged_in
from support.places import ROOT

from sftdata.cli import cli

GRAMMAR = '{"text": "he go home"}'
# The arguments of each command. {data}: a dataset; {model}, {adapter}: a tiny model and its LoRA.
ARGUMENTS: dict[str, list[str]] = {
    "audit": ["{adapter}", "--data", "{data}"],
    "build": ["--task", "grammar", "--out", "built"],
    "cache info": [],
    "compare-runs": ["{saved}", "{saved}"],
    "diff": ["{data}", "{data}"],
    "doctor": ["{data}"],
    "env": [],
    "eval": [
        "{data}", "--model", "{model}", "--adapter", "{adapter}", "--limit", "3",
        "--max-new-tokens", "3",
    ],
    "export": ["{data}", "--to", "trl", "--out", "exported"],
    "gc": ["{data}"],
    "generate": ["--adapter", "{adapter}", "--row", GRAMMAR, "--max-new-tokens", "3",
                 "--template", "grammar/plain@1.0.0"],
    "inspect": ["{data}"],
    "ledger": ["{data}"],
    "merge": ["{adapter}", "--out", "merged"],
    "pack": ["{data}", "--max-length", "512"],
    "push": ["{data}", "hf:me/grammar"],
    "rebuild": ["{data}/manifest.json", "--out", "again"],
    "serve-config": ["{adapter}", "--for", "vllm", "--template", "grammar/plain@1.0.0"],
    "sources": [],
    "stats": ["{data}"],
    "status": ["{data}"],
    "template check": [],
    "template diff": ["grammar/plain@1.0.0", "grammar/plain@1.0.0"],
    "template import": ["flan", "flan.py"],
    "template lint": ["grammar/plain"],
    "template list": [],
    "template log": ["grammar/plain"],
    "template new": ["grammar/mine"],
    "template release": ["grammar/mine"],
    "template render": ["grammar/plain", "--row", GRAMMAR],
    "template show": ["grammar/plain"],
    "train": ["{data}", "--model", "{model}", "--out", "trained", "--max-steps", "1"],
    "verify": ["{data}"],
}  # fmt: skip
TRAIN_STAGE = ("audit", "eval", "generate", "merge", "serve-config", "train")
FLAN = 'PATTERNS = {"fixes": [("Fix: {text}\\n", "{corrected}")]}\n'


def commands_with_json() -> Iterator[str]:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            parts = [f"{name} {part}" for part in command.list_commands(context)]
            found = [(part, command.get_command(context, part.split()[1])) for part in parts]
        else:
            found = [(name, command)]
        for path, leaf in found:
            assert leaf is not None
            if any("--json" in option.opts for option in leaf.params):
                yield path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("json") / "data"
    run("build", "--task", "grammar", "--out", str(out))
    return out


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    from support.tiny_models import llama

    tokenizer = ROOT / "pipelines" / "tokenizers" / "small"
    size = len(json.loads((tokenizer / "tokenizer.json").read_text())["model"]["vocab"])
    folder = tmp_path_factory.mktemp("json-model")
    llama(vocab_size=size + 64).to(torch.float32).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)
    return folder


@pytest.fixture(scope="module")
def adapter(data: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("json-adapter") / "adapter"
    run("train", str(data), "--model", str(model), "--out", str(out), "--max-steps", "1")
    return out


@pytest.fixture(scope="module")
def saved(data: Path, model: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("json-saved") / "run.json"
    run(
        "eval", str(data), "--model", str(model), "--adapter", str(adapter), "--limit", "2",
        "--max-new-tokens", "2", "--save", str(file),
    )  # fmt: skip
    return file


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def fill(argument: str, places: dict[str, Path]) -> str:
    for name, place in places.items():
        argument = argument.replace(f"{{{name}}}", str(place))
    return argument


def read_strictly(line: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(line, parse_constant=refuse)


def test_every_command_with_json_is_run_below() -> None:
    assert sorted(commands_with_json()) == sorted(ARGUMENTS)


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub's own
@pytest.mark.parametrize("command", ARGUMENTS)
def test_a_command_prints_json_alone(
    command: str, data: Path, request: pytest.FixtureRequest
) -> None:
    places = {"data": data}
    if command in TRAIN_STAGE:
        places |= {name: request.getfixturevalue(name) for name in ("model", "adapter")}
    if command == "compare-runs":
        places["saved"] = request.getfixturevalue("saved")
    if command == "template import":
        Path("flan.py").write_text(FLAN)
    if command == "template release":
        run("template", "new", "grammar/mine")
    arguments = [fill(argument, places) for argument in ARGUMENTS[command]]
    with logged_in() if command == "push" else nullcontext():
        printed = run(*command.split(), *arguments, "--json")
    lines = [read_strictly(line) for line in printed.splitlines()]
    assert lines or command == "ledger"
    if command == "eval":  # a task with chrF, whose numbers are NumPy's own
        names = [score["name"] for score in lines[0]["results"][1]["scores"]["grammar"]]
        assert names == ["exact match", "F0.5 of edits", "chrF"]


def test_a_dry_run_of_training_prints_json_alone(data: Path, model: Path) -> None:
    printed = run("train", str(data), "--model", str(model), "--dry-run", "--json")
    assert read_strictly(printed)["trained"] > 0
