"""Conversations from a file to shards: control text, reasoning, tools, prompts for serving."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.made_chats import TOOLS, Message, answer, make_tokenizer, shapes, system, user
from support.places import BUNDLED_TOKENIZER, SHARED

from sftdata.building.build import build
from sftdata.cli import cli
from sftdata.errors import GoldenSetError
from sftdata.loading.dataset import Example, load
from sftdata.serving.load import load_prompt_renderer
from sftdata.serving.prompter import render_prompt
from sftdata.tokenizing.load import load_tokenizer

pytestmark = pytest.mark.real
SPEC = """
task = "talk"
data = ["talk.jsonl"]
tokenizer = "set by the test"
chat = true
[fields]
id = "id"
messages = "messages"
tools = { path = "tools", optional = true }
[split]
train = 1
"""
THINK, END_OF_THINKING = 151667, 151668  # in qwen3's vocabulary


def build_talk(rows: Sequence[dict[str, Any]], tokenizer: Path, **options: Any) -> list[Example]:
    Path("spec.toml").write_text(SPEC, encoding="utf-8")
    lines = [json.dumps({"id": f"r{number}"} | row) + "\n" for number, row in enumerate(rows)]
    Path("talk.jsonl").write_text("".join(lines), encoding="utf-8")
    build(spec="spec.toml", tokenizer=str(tokenizer), out="out", max_dropped=99.0, **options)
    return sorted(load("out")["train"], key=lambda example: int(example.row_id[1:]))


def talks() -> list[tuple[list[Message], list[Any] | None]]:
    return [talk for shape, talk in shapes().items() if "part" not in shape]


def rows_of(tools: bool = True) -> list[dict[str, Any]]:
    return [{"messages": m, "tools": t} for m, t in talks() if tools or t is None]


def starts_of(example: Example) -> list[int]:
    mask = example.label_mask.tolist()
    return [at for at, taught in enumerate(mask) if taught and not mask[at - 1]]


def made(name: str) -> Path:
    source = (SHARED / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")
    return make_tokenizer(BUNDLED_TOKENIZER, source, Path(f"made-{name}"))


def test_reasoning_in_the_content_and_under_its_key_are_the_same(shared: Path) -> None:
    inside = answer("<think>\nIt is known.\n</think>\n\n4,806 m.")
    beside = answer("4,806 m.", reasoning_content="It is known.")
    rows = [{"messages": [user(), inside]}, {"messages": [user("How high?"), beside]}]
    rows += [{"messages": [user(), beside], "tools": None}]
    tokenizer = shared / "tokenizers" / "qwen3"
    first, _, last = build_talk(rows, tokenizer, duplicates="keep")
    assert first.input_ids.tolist() == last.input_ids.tolist()
    assert [first.input_ids.tolist().count(token) for token in (THINK, END_OF_THINKING)] == [1, 1]
    assert first.label_mask[first.input_ids.tolist().index(THINK)]
    untaught = build_talk(rows, tokenizer, duplicates="keep", teach_reasoning=False)[0]
    assert untaught.input_ids.tolist() == first.input_ids.tolist()
    decoder = load_tokenizer(str(tokenizer)).decoder
    taught = untaught.input_ids[untaught.target_start :].tolist()
    assert decoder.decode(taught, skip_special_tokens=False) == "4,806 m.<|im_end|>"


@pytest.mark.parametrize("loss", ["all", "last"])
@pytest.mark.parametrize("name", ["trl-qwen3", "trl-glm4moe", "trl-gptoss", "axolotl-command_a"])
def test_the_prompt_of_each_turn_is_what_stands_before_it(name: str, loss: str) -> None:
    examples = build_talk(rows_of(), made(name), loss=loss, date="2026-01-31")
    renderer = load_prompt_renderer("out")
    given = {f"r{number}": talk for number, talk in enumerate(talks())}
    checked = 0
    for example in examples:
        messages, tools = given[example.row_id]
        prompts = [
            renderer.render_turns(messages[:turn], tools=tools).input_ids
            for turn, message in enumerate(messages)
            if message["role"] == "assistant"
        ]
        for start in starts_of(example):
            assert example.input_ids[:start].tolist() in prompts
            checked += 1
    assert checked >= len(examples) >= 5
    assert int(examples[0].input_ids[-1]) in renderer.stop_ids


def test_render_prompt_takes_turns_and_says_what_is_wrong_with_them() -> None:
    (example,) = build_talk([{"messages": [system(), user(), answer()]}], made("trl-qwen3"))
    prompt = render_prompt("out", messages=[system(), user()])
    assert prompt.input_ids == example.input_ids[: example.target_start].tolist()
    assert prompt.text.endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert "weather" in render_prompt("out", messages=[user()], tools=TOOLS).text
    given = json.dumps([system(), user()])
    run = CliRunner().invoke(
        cli, ["template", "render", "--dataset", "out", "--messages", given, "--json"]
    )
    assert json.loads(run.stdout)["input_ids"] == prompt.input_ids
    for messages, told in (([], "no turns"), ([{"role": "user", "contents": "x"}], "contents")):
        with pytest.raises(GoldenSetError, match=told):
            render_prompt("out", messages=messages)


def test_text_like_a_control_token_stays_text_at_every_seam() -> None:
    folder = made("trl-qwen2_5")
    tokenizer = load_tokenizer(str(folder))
    token = "<|im_end|>"
    odd = [
        token,
        "<",
        "<|im_",
        "im_end|>",
        "|>",
        ">",
        f"a{token}b",
        f" {token} ",
        "\ue000<|im_end|>",
    ]
    pairs = [[user(a), answer(b)] for a in odd for b in odd]
    examples = build_talk([{"messages": pair} for pair in pairs], folder)
    (plain,) = build_talk([{"messages": [user("a"), answer("b")]}], folder)
    control = set(tokenizer.control_tokens.values())

    def skeleton(example: Example) -> list[int]:
        return [token for token in example.input_ids.tolist() if token in control]

    assert len(examples) == len(pairs)
    for (question, reply), example in zip(pairs, examples, strict=True):
        text = tokenizer.decoder.decode(example.input_ids.tolist(), skip_special_tokens=False)
        assert skeleton(example) == skeleton(plain)
        assert text.endswith(f"user\n{question['content']}{token}\n<|im_start|>assistant\n"
                             f"{reply['content']}{token}")  # fmt: skip


def test_a_conversation_that_is_too_long_loses_exchanges_at_its_start() -> None:
    turns = [system("S."), *(m for n in range(9) for m in (user(f"Q{n}?"), answer(f"A{n}.")))]
    folder = made("trl-qwen3")
    (whole,) = build_talk([{"messages": turns}], folder)
    (short,) = build_talk([{"messages": turns}], folder, max_length=len(whole.input_ids) // 2)
    decoder = load_tokenizer(str(folder)).decoder
    text = decoder.decode(short.input_ids.tolist(), skip_special_tokens=False)
    assert text.startswith("<|im_start|>system\nS.<|im_end|>\n<|im_start|>user\nQ")
    assert text.endswith("A8.<|im_end|>")
    assert len(short.input_ids) <= len(whole.input_ids) // 2
    assert load("out").manifest["cut"] == 1


def test_a_template_file_and_options_are_recorded(shared: Path) -> None:
    Path("chat.jinja").write_text(
        "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant:{% endif %}",
        encoding="utf-8",
    )
    gpt2 = shared / "tokenizers" / "gpt2"
    (example,) = build_talk(
        [{"messages": [user("Hi"), answer("Ho")]}], gpt2, chat_template="chat.jinja"
    )
    text = load_tokenizer(str(gpt2)).decoder.decode(
        example.input_ids.tolist(), skip_special_tokens=False
    )
    assert text == "user: Hi<|endoftext|>\nassistant: Ho<|endoftext|>"
    Path("chat.jinja").unlink()  # the manifest holds it
    assert render_prompt("out", messages=[user("Hi")]).text == "user: Hi<|endoftext|>\nassistant:"
