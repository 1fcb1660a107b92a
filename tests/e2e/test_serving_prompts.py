"""Serving prompts of whole sets: the turns before an answer give the ids before its target."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.made_chats import Message, make_tokenizer
from support.places import BUNDLED_TOKENIZER, ROOT

from sftdata.building.build import build
from sftdata.loading.dataset import Example, load
from sftdata.serving.load import load_prompt_renderer
from sftdata.serving.prompt import PromptRenderer

SAMPLE = ROOT / "pipelines" / "samples" / "chat.jsonl"
# One of each kind: reasoning left out of history, tools in another role, parts, special stops.
MADE = (
    "trl-qwen3", "trl-glm4moe", "trl-gptoss", "trl-llama3_1", "trl-nemotron_3_nano",
    "axolotl-command_a_tool_use", "axolotl-gemma4", "axolotl-jamba",
)  # fmt: skip
REAL = ("qwen3", "gemma3", "mistral-v3", "smollm2")
THINKING = (None, {"enable_thinking": True}, {"enable_thinking": False})


def sample() -> dict[str, dict[str, Any]]:
    rows = map(json.loads, SAMPLE.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row for row in rows}


def taught_starts(example: Example) -> list[int]:
    mask = example.label_mask.tolist()
    return [at for at, taught in enumerate(mask) if taught and not mask[at - 1]]


def prompts_of(renderer: PromptRenderer, row: dict[str, Any], options: Any) -> list[list[int]]:
    """The prompt of each answer of a row."""
    messages: list[Message] = row["messages"]
    return [
        renderer.render_turns(
            messages[:at],
            tools=row.get("tools"),
            documents=row.get("documents"),
            system=row.get("system"),
            chat_options=options,
        ).input_ids
        for at, message in enumerate(messages)
        if message["role"] == "assistant"
    ]


def count_checked(tokenizer: Path, **options: Any) -> int:
    """Builds the sample, compares each taught turn of each row, and counts them."""
    build(
        task="chat", tokenizer=str(tokenizer), out="out", date="2026-01-31", max_dropped=100.0,
        **options,
    )  # fmt: skip
    renderer, rows, data = load_prompt_renderer("out"), sample(), load("out")
    flagged = data.manifest["flagged"]
    checked = 0
    for split in data:
        for example in data[split]:
            row = rows[example.row_id.partition("#")[0]]
            known = THINKING if "thinking" in flagged else (None,)
            prompts = [ids for option in known for ids in prompts_of(renderer, row, option)]
            for start in taught_starts(example):
                assert example.input_ids[:start].tolist() in prompts, example.row_id
                checked += 1
    return checked


def test_of_the_small_tokenizer() -> None:
    assert count_checked(BUNDLED_TOKENIZER) > 100


@pytest.mark.parametrize("options", [{"loss": "last"}, {"unroll": True}], ids=str)
def test_where_earlier_answers_are_not_taught(options: dict[str, Any]) -> None:
    assert count_checked(BUNDLED_TOKENIZER, **options) >= 60


@pytest.mark.real
@pytest.mark.parametrize("name", MADE)
def test_of_templates_on_made_tokenizers(name: str, shared: Path) -> None:
    source = (shared / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")
    assert count_checked(make_tokenizer(BUNDLED_TOKENIZER, source, Path("made"))) >= 25


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
def test_of_real_tokenizers(name: str, shared: Path) -> None:
    options = {}
    if name == "mistral-v3":  # it has no chat template of its own
        options["chat_template"] = str(shared / "chat_templates" / "axolotl-mistral_v2v3.jinja")
    assert count_checked(shared / "tokenizers" / name, **options) >= 50


def test_repairs_of_a_spec_are_those_of_its_prompts() -> None:
    turns = [
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "One."},
        {"role": "user", "content": "Two."},
        {"role": "assistant", "content": "Three."},
    ]
    Path("talk.jsonl").write_text(json.dumps({"id": "r", "messages": turns}), encoding="utf-8")
    build(
        task="chat", data="talk.jsonl", tokenizer=str(BUNDLED_TOKENIZER), out="out",
        split={"train": 1.0}, merge_same_role=True, drop_leading_assistant=True,
    )  # fmt: skip
    (example,) = load("out")["train"]
    prompt = load_prompt_renderer("out").render_turns(turns[:3])
    assert prompt.input_ids == example.input_ids[: example.target_start].tolist()
