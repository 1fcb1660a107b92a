"""Inspect: the text, the tokens and the mask of an example."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tokenizers
from support.plain import build_plain

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.inspecting.rows.inspector import Inspector
from sftdata.inspecting.rows.select import RowFilter, choose_rows
from sftdata.inspecting.rows.views import Span, view_spans
from sftdata.loading.dataset import Dataset, load

PROMPT = "You are a helpful assistant that summarizes articles.\n\nArticle:\n{}\n\nSummary:\n"
ARTICLES = [
    "plain", "naïve 日本 😀", "control-like <|endoftext|> text", " spaces  around ", "tab\tand\r\n",
    "esc \x1b[31m bell \x07", "[bold]markup[/bold]", "bidi \u202e zero \u200b", "a" * 300,
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("inspection")
    rows = [{"id": f"r{i}", "article": a, "summary": a[::-1]} for i, a in enumerate(ARTICLES)]
    rows += [{"id": f"more{i}", "article": f"a{i}", "summary": f"s{i}"} for i in range(40)]
    return build_plain(folder, rows)


@pytest.mark.parametrize("number", range(len(ARTICLES)))
def test_prompt_and_target_are_the_rendered_text(data: Dataset, number: int) -> None:
    ((split, example),) = choose_rows(data, row_id=f"r{number}")
    shown = Inspector(data).inspect(split, example).to_json()
    assert shown["prompt"] == PROMPT.format(ARTICLES[number])
    assert shown["target"] == ARTICLES[number][::-1]
    assert shown["input_ids"] == example.input_ids.tolist()
    assert shown["label_mask"] == example.label_mask.tolist()
    assert len(shown["tokens"]) == len(shown["input_ids"])
    assert shown["tokens"][-1] == "<|endoftext|>"
    assert "<|endoftext|>" not in shown["tokens"][:-1]
    assert (shown["row_id"], shown["split"]) == (f"r{number}", split)


def test_another_tokenizer_than_that_of_the_build_is_refused(
    data: Dataset, byte_tokenizer: Path
) -> None:
    recorded = data.manifest["tokenizer"] | {"name": str(byte_tokenizer)}
    other = Dataset(
        type(data.manifest)(
            data.manifest.directory, {**data.manifest.content, "tokenizer": recorded}
        )
    )
    with pytest.raises(SftdataError, match="is not the recorded one"):
        _ = Inspector(other).tokenizer


CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.fixture
def chat_tokenizer(byte_tokenizer: Path, tmp_path: Path) -> Path:
    """One id per byte and one for each marker of a chat template."""
    folder = tmp_path / "chat-tokenizer"
    folder.mkdir()
    made = tokenizers.Tokenizer.from_file(str(byte_tokenizer / "tokenizer.json"))
    made.add_special_tokens(["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"])
    made.save(str(folder / "tokenizer.json"))
    config = {"eos_token": "<eos>", "chat_template": CHAT}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def test_the_prompt_of_a_chat_shows_its_control_tokens(chat_tokenizer: Path) -> None:
    rows = [{"id": "one", "article": "Some text.", "summary": "Text."}]
    data = build_plain(Path(), rows, chat=True, tokenizer=chat_tokenizer)
    shown = Inspector(data).inspect(*choose_rows(data, row_id="one")[0])
    assert shown.prompt == (
        "<|system|>You are a helpful assistant that summarizes articles.<|end|>"
        "<|user|>Article:\nSome text.\n\nSummary:<|end|><|assistant|>"
    )
    assert (shown.target, shown.tokens[-1].piece) == ("Text.", "<|end|>")
    control = [token.piece for token in shown.tokens if token.is_control]
    assert control == ["<|system|>", "<|end|>", "<|user|>", "<|end|>", "<|assistant|>", "<|end|>"]
    place = shown.prompt.index("<|user|>")
    (user,) = (token for token in shown.tokens if token.piece == "<|user|>")
    assert (user.start, user.end) == (place, place + len("<|user|>"))


def test_of_a_conversation_every_answer_is_in_the_loss(chat_tokenizer: Path) -> None:
    turns = [("user", "Hi"), ("assistant", "Yo"), ("user", "a b"), ("assistant", "c")]
    messages = [{"role": role, "content": content} for role, content in turns]
    Path("rows.jsonl").write_text(json.dumps({"id": "one", "messages": messages}) + "\n")
    Path("spec.toml").write_text(
        'task = "talk"\ndata = ["rows.jsonl"]\nchat = true\n'
        f'tokenizer = "{chat_tokenizer}"\n[fields]\nid = "id"\nmessages = "messages"\n'
    )
    build(spec="spec.toml", out="out")
    data = load("out")
    shown = Inspector(data).inspect(*choose_rows(data, row_id="one")[0])
    assert (shown.prompt, shown.task) == ("<|user|>Hi<|end|><|assistant|>", "talk")
    assert view_spans("text", shown) == [
        Span("<|user|>", "control"),
        Span("Hi", "prompt"),
        Span("<|end|><|assistant|>", "control"),
        Span("Yo", "target"),
        Span("<|end|>", "control-target"),
        Span("<|user|>", "control"),
        Span("a b", "prompt"),
        Span("<|end|><|assistant|>", "control"),
        Span("c", "target"),
        Span("<|end|>", "control-target"),
    ]


def test_each_row_of_a_mixture_has_its_own_task() -> None:
    build("multitask", out="out")
    data = load("out")
    for task in ("summarize", "qa", "grammar"):
        rows = choose_rows(data, wanted=RowFilter(task=task), limit=1000)
        shown = [Inspector(data).inspect(*row).to_json() for row in rows[:3]]
        assert {row["task"] for row in shown} == {task}
        assert {row["template"].partition("/")[0] for row in shown} == {task}
        assert len(rows) == sum(e.task == task for split in data.values() for e in split)
    with pytest.raises(SftdataError, match="Did you mean 'qa'"):
        choose_rows(data, wanted=RowFilter(task="qaa"))
