"""Of every bundled task: adapter, merged model, transformers in another process: one answer."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.doc_pages.model import make_model
from support.places import ROOT

from sftdata import build
from sftdata.cli import cli
from sftdata.serving.passport import read_passport
from sftdata_train.merge import merge
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare

SAMPLES = ROOT / "pipelines" / "samples"
TASKS = {path.stem for path in SAMPLES.glob("*.jsonl")} - {"chat"}
MIXED = ["summarize", "translate", "qa", "grammar", "rewrite"]  # the sources of `multitask`
ALONE = sorted(TASKS - set(MIXED))
NEW_TOKENS = 8
RECIPE = load_recipe(None, max_steps=1, rank=2, learning_rate=0.1, micro_batch=2, accumulate=1)

# It knows nothing of sftdata; a chat template is applied as a server applies it.
SERVER = """
import json, sys, torch, transformers
torch.set_num_threads(1)
for line in sys.stdin:
    asked = json.loads(line)
    model = transformers.AutoModelForCausalLM.from_pretrained(asked["folder"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked["folder"])
    for one in asked["requests"]:
        made = None
        for turn in one.get("messages", []):
            for call in turn.get("tool_calls", []):  # servers parse them, too
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        if "messages" in one:
            made = tokenizer.apply_chat_template(
                one["messages"], tools=one.get("tools"), add_generation_prompt=True,
                return_dict=False, **one.get("chat_template_kwargs", {}),
            )
        ids = torch.tensor([one["ids"]])
        out = model.generate(input_ids=ids, max_new_tokens=one["count"], do_sample=False)
        print(json.dumps({"made": made, "answer": out[0, ids.shape[1]:].tolist()}))
"""


@dataclass(frozen=True)
class Served:
    """A merged model, and requests to it with the answers of `sftdata generate`."""

    folder: Path
    requests: Sequence[Mapping[str, Any]]
    answers: Sequence[Mapping[str, Any]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("served") / "model"))


def make_adapter(name: str, task: str, model: str, folder: Path, **options: Any) -> Path:
    """An adapter that answers otherwise than its base model, as `name`, and its merged model."""
    data, adapter = folder / f"data-{name}", folder / name
    build(task, tokenizer=model, out=data, **options)
    train(prepare(data, model, RECIPE), adapter)
    merge(adapter, folder / f"merged-{name}")
    return adapter


def ask(adapter: Path, requests: Sequence[Sequence[str]]) -> Served:
    """What `generate` answers, and what `serve-config` sends to a server of the merged model."""
    merged = adapter.with_name(f"merged-{adapter.name}")
    answers, sent = [], []
    for options in requests:
        shown = run("generate", "--adapter", adapter, "--max-new-tokens", NEW_TOKENS, *options)
        answers.append(shown)
        one = {"ids": shown["prompt_ids"], "count": NEW_TOKENS}
        if "--dataset" not in options:
            setup = run("serve-config", merged, "--for", "vllm", *options)
            assert setup["request"]["prompt"] == shown["prompt_ids"]
            assert setup["request"]["stop_token_ids"] == shown["stop_ids"]
            chat = setup["chat_request"] or {}
            kept = ("messages", "tools", "chat_template_kwargs")
            one |= {name: chat[name] for name in kept if name in chat}
        sent.append(one)
    return Served(merged, sent, answers)


def run(*arguments: Any) -> Any:
    done = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def check(served: Sequence[Served]) -> None:
    """Asks all models in one other process."""
    asked = "".join(
        json.dumps({"folder": str(one.folder), "requests": one.requests}) + "\n" for one in served
    )
    line = [sys.executable, "-c", SERVER]
    done = subprocess.run(line, input=asked, capture_output=True, text=True, check=True)
    found = iter(map(json.loads, done.stdout.splitlines()))
    for one in served:
        for request, expected in zip(one.requests, one.answers, strict=True):
            answer = next(found)
            stops = expected["stop_ids"]
            assert [i for i in answer["answer"] if i not in stops] == expected["ids"], one.folder
            if "messages" in request:
                assert answer["made"] == expected["prompt_ids"], one.folder


def row_requests(adapter: Path, task: str) -> list[list[str]]:
    """A row of the sample for each template of the adapter."""
    lines = (SAMPLES / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()
    labels = [name for name in read_passport(adapter)["templates"] if name.startswith(f"{task}/")]
    assert labels
    return [
        ["--row", line, "--template", label] for line, label in zip(lines, labels, strict=False)
    ]


@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat"])
def test_rows_of_every_task(chat: bool, model: str, tmp_path: Path) -> None:
    served = []
    for task, its_tasks in (("multitask", MIXED), *((task, [task]) for task in ALONE)):
        adapter = make_adapter(task, task, model, tmp_path, chat=chat)
        served.append(
            ask(adapter, [one for name in its_tasks for one in row_requests(adapter, name)])
        )
    assert all(("messages" in one) == chat for each in served for one in each.requests)
    check(served)


def test_shots_and_conversations_with_tools(model: str, tmp_path: Path) -> None:
    shots = make_adapter("shots", "grammar", model, tmp_path, shots=2, template="grammar/plain")
    beside = ["--dataset", str(tmp_path / "data-shots")]
    requests = [[*one, *beside] for one in row_requests(shots, "grammar")]
    served = [ask(shots, requests)]

    talks = make_adapter("talks", "chat", model, tmp_path)
    rows = [*map(json.loads, (SAMPLES / "chat.jsonl").read_text(encoding="utf-8").splitlines())]
    requests = [["--row", json.dumps(row)] for row in rows[:2]]
    with_tools = [row for row in rows if row.get("tools")][:2]
    requests += [
        ["--messages", json.dumps(row["messages"][:2]), "--tools", json.dumps(row["tools"])]
        for row in with_tools
    ]
    served.append(ask(talks, requests))
    assert sum("tools" in one for one in served[-1].requests) == 2
    check(served)
