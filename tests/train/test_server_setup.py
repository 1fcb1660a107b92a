"""Server set-ups: what is typed and sent gives the prompt that was trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from support.doc_pages.model import make_model

from sftdata import Prompter, build
from sftdata.cli import cli
from sftdata.errors import SftdataError
from sftdata.serving.conversation import Question
from sftdata.serving.server_setup import SERVERS, set_up
from sftdata_train.generating.answering import answer
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare

ROW = {"article": "Rain fell on Tuesday."}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat model as `model`, and adapters trained on it: `chat`, `plain` and `talks`."""
    made = tmp_path_factory.mktemp("servers")
    model = str(make_model(made / "model"))
    recipe = load_recipe(None, max_steps=1, rank=2)
    for name, task, chat in (
        ("chat", "summarize", True),
        ("plain", "summarize", False),
        ("talks", "chat", True),
    ):
        template = "summarize/article" if task == "summarize" else None
        build(task, tokenizer=model, chat=chat, template=template, out=made / f"data-{name}")
        train(prepare(made / f"data-{name}", model, recipe), made / name)
    return made


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("name", ["chat", "plain"])
def test_every_server_is_fed_the_prompt_and_the_stops(server: str, name: str, folder: Path) -> None:
    setup, prompt = set_up(folder / name, server, row=ROW), Prompter(folder / name)(ROW)
    request = json.dumps(setup.request, ensure_ascii=False)
    fed = prompt.text if server in ("ollama", "tgi") else prompt.input_ids
    assert json.dumps(fed, ensure_ascii=False) in request
    if server in ("vllm", "transformers"):
        assert json.dumps(prompt.stop_ids) in request
    else:
        assert "<|im_end|>" in request
    assert any(str(folder / name) in command for command in setup.commands)


def test_the_lines_for_transformers_give_the_answer_of_generate(folder: Path) -> None:
    setup = set_up(folder / "chat", "transformers", row=ROW, max_new_tokens=6)
    names: dict[str, Any] = {}
    exec("\n".join(setup.commands), names)  # they are Python
    request = dict(setup.request)
    ids = torch.tensor(request.pop("input_ids"))
    generated = names["model"].generate(input_ids=ids, **request)[0, ids.shape[1] :].tolist()
    expected = answer(folder / "chat", ROW, max_new_tokens=6).ids
    assert [token for token in generated if token not in request["eos_token_id"]] == expected


def apply(folder: Path, request: Any) -> list[int]:
    """The ids of the server's own chat template for the turns of a request."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    made = tokenizer.apply_chat_template(
        request["messages"], add_generation_prompt=True, tokenize=True, return_dict=False
    )
    return list(made)


def test_a_chat_endpoint_gives_the_same_ids(folder: Path) -> None:
    setup = set_up(folder / "chat", "vllm", row=ROW)
    assert setup.chat_request is not None
    assert apply(folder / "chat", setup.chat_request) == Prompter(folder / "chat")(ROW).input_ids


def test_a_chat_endpoint_of_conversations_gives_the_same_ids(folder: Path) -> None:
    turns = [{"role": "user", "content": "Is it deep?"}]
    setup = set_up(folder / "talks", "vllm", question=Question(turns))
    assert setup.chat_request is not None
    expected = Prompter(folder / "talks")(messages=turns).input_ids
    assert apply(folder / "talks", setup.chat_request) == expected


def test_turns_in_another_form_are_sent_in_the_form_of_openai(folder: Path) -> None:
    turns = [{"from": "human", "value": "Is it deep?"}]
    request = set_up(folder / "talks", "vllm", question=Question(turns)).chat_request
    assert request is not None
    assert request["messages"] == [{"role": "user", "content": "Is it deep?"}]


def test_calls_that_the_template_writes_as_json_are_left_to_ids(folder: Path) -> None:
    """vLLM changes the order of their keys, which this template shows."""
    call = {"name": "f", "arguments": {"a": "ü"}}
    turns = [
        {"role": "user", "content": "Is it deep?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "2 m"},
    ]
    assert set_up(folder / "talks", "vllm", question=Question(turns)).chat_request is None


def test_tools_are_sent_so_that_their_calls_come_as_text(folder: Path) -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {}}}]
    turns = [{"role": "user", "content": "Is it deep?"}]
    request = set_up(folder / "talks", "vllm", question=Question(turns, tools)).chat_request
    assert request is not None
    assert (request["tools"], request["tool_choice"]) == (tools, "none")


def test_a_chat_endpoint_is_left_out_where_it_gives_other_ids(folder: Path) -> None:
    hostile = {"article": "He wrote <|im_end|> there."}
    assert set_up(folder / "chat", "vllm", row=hostile).chat_request is None
    assert set_up(folder / "plain", "vllm", row=ROW).chat_request is None


def test_without_a_row_the_request_asks_a_placeholder(folder: Path) -> None:
    expected = Prompter(folder / "plain")({"article": "…"}).input_ids
    assert set_up(folder / "plain", "vllm").request["prompt"] == expected
    assert set_up(folder / "talks", "vllm").chat_request is not None


def test_a_chat_endpoint_is_told_the_end_of_an_answer_in_the_words_of_its_server(
    folder: Path,
) -> None:
    vllm = set_up(folder / "chat", "vllm", row=ROW).chat_request
    llama = set_up(folder / "chat", "llama.cpp", row=ROW).chat_request
    assert vllm is not None
    assert llama is not None
    assert "stop" not in vllm
    assert "stop_token_ids" not in llama
    assert len(vllm["stop_token_ids"]) == len(llama["stop"])


def test_an_unknown_server_ends_in_a_suggestion(folder: Path) -> None:
    with pytest.raises(SftdataError, match="Did you mean 'vllm'"):
        set_up(folder / "plain", "vlm")


def test_the_command_prints_commands_request_and_notes(folder: Path) -> None:
    given = ["serve-config", str(folder / "chat"), "--for", "vllm", "--row", json.dumps(ROW)]
    shown = CliRunner().invoke(cli, given).stdout
    assert shown.startswith("vllm serve ")
    assert "POST /v1/completions\n{" in shown
    assert "POST /v1/chat/completions" in shown
    entry = json.loads(CliRunner().invoke(cli, [*given, "--json"]).stdout)
    assert entry["request"]["prompt"] == Prompter(folder / "chat")(ROW).input_ids


def test_a_server_of_text_is_sent_what_it_tokenizes_to_the_trained_ids(folder: Path) -> None:
    for name in ("chat", "plain"):
        setup, prompt = set_up(folder / name, "tgi", row=ROW), Prompter(folder / name)(ROW)
        assert setup.request["inputs"] == prompt.text
        assert "make the trained ids of this text; they add no BOS" in setup.notes[0]
    hostile = {"article": "He wrote <|im_end|> there."}
    assert "not those of the training" in set_up(folder / "chat", "ollama", row=hostile).notes[0]
