"""Chat: control text in contents, conversations of several turns, templates that are refused."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.chat_oracle import ChatOracle

from sftdata import build, load, render_prompt
from sftdata.errors import SftdataError, TemplateError
from sftdata.inspecting.rows.inspector import Inspector
from sftdata.inspecting.verify import find_faults
from sftdata.tokenizing.load import load_tokenizer
from sftdata.writing.ledger import read_ledger

SPEC = """
task = "talk"
data = ["rows.jsonl"]
tokenizer = "{tokenizer}"
chat = true
max_dropped = 60
{extra}
[fields]
id = "id"
messages = "messages"
[split]
train = 1
"""
TALK = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi there."},
    {"role": "user", "content": "Who are you?"},
    {"role": "assistant", "content": "A model."},
]


def write_rows(rows: list[dict[str, Any]]) -> None:
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def build_talk(tokenizer: Path, rows: list[dict[str, Any]], extra: str = "") -> Any:
    write_rows(rows)
    Path("spec.toml").write_text(SPEC.format(tokenizer=tokenizer, extra=extra))
    return build(spec="spec.toml", out="out").manifest


def with_chat_template(folder: Path, source: str, to: Path) -> Path:
    """A copy of a tokenizer with another chat template."""
    shutil.copytree(folder, to)
    for file in to.iterdir():
        file.chmod(0o644)
    to.chmod(0o755)
    (to / "chat_template.jinja").write_text(source)
    return to


# --- control text ------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("name", ["smollm2", "qwen3"])
@pytest.mark.parametrize("shots", [0, 1])
def test_control_tokens_in_contents_are_text_and_come_back(
    name: str, shots: int, shared: Path
) -> None:
    folder = shared / "tokenizers" / name
    tokenizer = load_tokenizer(str(folder))
    rows = []
    for i, token in enumerate(tokenizer.control_tokens):
        middle = len(token) // 2
        article = f"{token} before {token[:middle]}\n{token[middle:]} and <{token}> after {token}"
        rows.append({"id": f"row-{i}", "article": article, "summary": f"{token} is {i} {token}"})
    write_rows(rows)
    out = build(
        "summarize", data="rows.jsonl", tokenizer=folder, template="summarize/article",
        chat=True, chat_options={"enable_thinking": False}, shots=shots, out="out",
    ).manifest.directory  # fmt: skip
    assert find_faults(out, deep=True) == []  # the control tokens are those of the template alone
    data = load(out)
    inspector = Inspector(data)
    shown = [inspector.inspect(name, row) for name, split in data.items() for row in split]
    assert len(shown) == len(rows)
    for view in shown:
        row = next(row for row in rows if row["id"] == view.example.row_id)
        assert row["article"] in view.prompt
        assert view.target == row["summary"]


TEXT_FIELDS = {
    "translate": (("source",), "translation"),
    "qa": (("context", "question"), "answer"),
    "grammar": (("text",), "corrected"),
}


@pytest.mark.real
@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat"])
@pytest.mark.parametrize("task", TEXT_FIELDS)
def test_control_tokens_in_every_field_of_every_task_are_text(
    task: str, chat: bool, shared: Path
) -> None:
    folder = shared / "tokenizers" / "smollm2"
    asked, answer = TEXT_FIELDS[task]
    rows = []
    for i, token in enumerate(load_tokenizer(str(folder)).control_tokens):
        row = {n: f"{token} {n} {i} {token[:3]}\n{token[3:]} {token}" for n in (*asked, answer)}
        rows.append({"id": f"row-{i}", "source_lang": "en", "target_lang": "de", **row})
    write_rows(rows)
    out = build(
        task, data="rows.jsonl", tokenizer=folder, chat=chat, shots=[0, 1], out="out"
    ).manifest.directory
    assert find_faults(out, deep=True) == []
    data = load(out)
    inspector = Inspector(data)
    shown = [inspector.inspect(name, row) for name, split in data.items() for row in split]
    assert len(shown) == len(rows)
    for view in shown:
        row = next(row for row in rows if row["id"] == view.example.row_id)
        assert all(row[name] in view.prompt for name in asked)
        assert view.target == row[answer]


@pytest.mark.real
@pytest.mark.parametrize("name", ["smollm2", "qwen3"])
def test_one_token_of_answer_has_its_end_in_the_loss(name: str, shared: Path) -> None:
    write_rows([{"id": "a", "article": "Yes or no?", "summary": "Yes"}])
    folder = shared / "tokenizers" / name
    manifest = build(
        "summarize", data="rows.jsonl", tokenizer=folder, chat=True, out="out",
        chat_options={"enable_thinking": False},
    ).manifest  # fmt: skip
    (example,) = (row for split in load("out").values() for row in split)
    assert example.label_mask.sum() == 2
    assert example.input_ids[-1] == manifest["chat"]["end_id"]


# --- conversations -----------------------------------------------------------------------------


@pytest.mark.real
def test_every_assistant_turn_is_in_the_loss_or_only_the_last(shared: Path) -> None:
    """The masks are those of a chat template that marks the assistant's text itself."""
    folder = shared / "tokenizers" / "smollm2"
    marked = """{% for message in messages %}{% if message['role'] == 'assistant' %}
{{- '<|im_start|>assistant\n' }}{% generation %}{{ message['content'] + '<|im_end|>' }}
{%- endgeneration %}{{ '\n' }}{% else %}
{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endif %}
{%- endfor %}"""
    ids, mask = ChatOracle(folder, marked).assistant_mask(TALK)
    end = len(mask) - mask[::-1].index(1)  # what follows the last turn is cut
    build_talk(folder, [{"id": "a", "messages": TALK}])
    example = load("out")["train"][0]
    assert example.input_ids.tolist() == ids[:end]
    assert example.label_mask.tolist() == [bool(flag) for flag in mask[:end]]
    assert example.target_start == mask.index(1)
    build_talk(folder, [{"id": "a", "messages": TALK}], 'loss = "last"')
    last = load("out")["train"][0]
    assert last.input_ids.tolist() == ids[:end]
    assert last.label_mask[last.target_start :].all()
    assert not last.label_mask[: last.target_start].any()
    fed = ChatOracle(folder).prompt_ids(TALK[:-1])
    assert last.input_ids[: last.target_start].tolist() == fed
    assert find_faults(Path("out"), deep=True) == []


@pytest.mark.real
@pytest.mark.parametrize("name", ["smollm2", "qwen3"])
def test_conversations_equal_apply_chat_template(name: str, shared: Path) -> None:
    folder = shared / "tokenizers" / name
    talks = [TALK, TALK[1:], TALK[:3], TALK[1:3], [*TALK, *TALK[1:3], *TALK[1:3]]]
    rows = [{"id": f"{i}", "messages": talk} for i, talk in enumerate(talks)]
    build_talk(folder, rows)
    oracle = ChatOracle(folder)
    for example in load("out")["train"]:
        talk = talks[int(example.row_id)]
        assert example.input_ids.tolist() == oracle.example_ids(talk)
        # The loss begins where the model is first fed a prompt.
        first = next(at for at, turn in enumerate(talk) if turn["role"] == "assistant")
        assert example.target_start == len(oracle.prompt_ids(talk[:first]))


@pytest.mark.real
def test_broken_conversations_are_in_the_ledger(shared: Path) -> None:
    broken = {
        "bad_messages": "hello",
        "no_turns": [],
        "no_last_answer": TALK[:2],
        "same_role": [TALK[1], TALK[1], TALK[2]],
        "unknown_role": [{"role": "narrator", "content": "x"}, TALK[2]],
        "empty_turn": [{"role": "user", "content": " "}, TALK[2]],
    }
    good = [
        {"id": f"good {i}", "messages": [TALK[1] | {"content": f"{i}?"}, TALK[2]]} for i in range(7)
    ]
    rows = [{"id": name, "messages": talk} for name, talk in broken.items()]
    manifest = build_talk(shared / "tokenizers" / "smollm2", rows + good)
    assert manifest["dropped"] == dict.fromkeys(sorted(broken), 1)
    lines = read_ledger(manifest).to_pylist()
    assert {line["row_id"]: line["reason"] for line in lines} == {name: name for name in broken}
    assert manifest["rows_out"] == len(good)


@pytest.mark.real
def test_both_spellings_of_turns_are_read(shared: Path) -> None:
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    other = [{"from": names[turn["role"]], "value": turn["content"]} for turn in TALK]
    folder = shared / "tokenizers" / "smollm2"
    build_talk(folder, [{"id": "a", "messages": TALK}])
    first = load("out")["train"][0].input_ids.tolist()
    build_talk(folder, [{"id": "a", "messages": other}])
    assert load("out")["train"][0].input_ids.tolist() == first


# --- templates that cannot be used -------------------------------------------------------------

START, END = "<|im_start|>", "<|im_end|>"
TURNS = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.mark.real
@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ raise_exception('no turns today') }}", "no turns today"),
        (TURNS.replace("m.content +", "m.content[:2] +"), "does not show the content of turn 1"),
        (TURNS.replace("m.content +", "m.content + m.content +"), "2 times"),
        (TURNS.replace("m.content +", "m.content|upper +"), "does not show the content"),
        (TURNS.replace("assistant\n", "model\n"), "with another start"),
        ("{% for m in messages", "does not parse"),
        ("{{ nothing.at.all }}", "refuses"),
    ],
)
def test_a_chat_template_that_cannot_be_used_is_told_why(
    source: str, told: str, shared: Path, tmp_path: Path
) -> None:
    folder = with_chat_template(shared / "tokenizers" / "smollm2", source, tmp_path / "odd")
    write_rows([{"id": "a", "article": "b", "summary": "c"}])
    with pytest.raises(TemplateError, match="chat template") as caught:
        build("summarize", data="rows.jsonl", tokenizer=folder, chat=True, out="out")
    assert told in str(caught.value)
    assert not Path("out/manifest.json").exists()


@pytest.mark.real
def test_the_date_is_fixed_or_that_of_the_build_and_recorded(shared: Path, tmp_path: Path) -> None:
    source = "{{ strftime_now('%d %b %Y') }}" + TURNS
    folder = with_chat_template(shared / "tokenizers" / "smollm2", source, tmp_path / "dated")
    write_rows([{"id": "a", "article": "b", "summary": "c"}])
    notes: list[str] = []
    fixed = build(
        "summarize", data="rows.jsonl", tokenizer=folder, chat=True, out="out", date="2024-07-26"
    )
    assert render_prompt("out", {"article": "b"}).text.startswith("26 Jul 2024")
    assert fixed.manifest["options"]["date"] == "2024-07-26"
    build(
        "summarize", data="rows.jsonl", tokenizer=folder, chat=True, out="out", report=notes.append
    )
    today = load("out").manifest["options"]["date"]
    assert any(f'date = "{today}"' in note for note in notes)
    assert datetime.date.fromisoformat(today) <= datetime.date.today()


@pytest.mark.real
def test_a_template_that_trims_and_one_that_refuses_a_system_turn(
    shared: Path, tmp_path: Path
) -> None:
    folder = shared / "tokenizers" / "smollm2"
    write_rows([{"id": "a", "article": "  b\n\n", "summary": "\tc "}])
    build("summarize", data="rows.jsonl", tokenizer=folder, chat=True, out="plain")
    trims = with_chat_template(folder, TURNS.replace("m.content", "m.content|trim"), tmp_path / "t")
    build("summarize", data="rows.jsonl", tokenizer=trims, chat=True, out="trimmed")
    (a,) = (row for split in load("plain").values() for row in split)
    (b,) = (row for split in load("trimmed").values() for row in split)
    assert a.input_ids.tolist() == b.input_ids.tolist()
    refuses = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    alone = with_chat_template(folder, refuses + TURNS, tmp_path / "r")
    with pytest.raises(TemplateError, match="without a system block"):
        build("summarize", data="rows.jsonl", tokenizer=alone, chat=True, out="refused")


def test_a_tokenizer_without_a_chat_template_is_told(byte_tokenizer: Path) -> None:
    write_rows([{"id": "a", "article": "b", "summary": "c"}])
    with pytest.raises(SftdataError, match="has no chat template"):
        build("summarize", data="rows.jsonl", tokenizer=byte_tokenizer, chat=True, out="out")


@pytest.mark.real
def test_workers_give_the_same_shards_as_one_process(shared: Path) -> None:
    """The chat template is compiled before the workers start, and compiled code cannot be sent."""
    write_rows([{"id": f"row-{i}", "messages": TALK} for i in range(40)])
    tokenizer = shared / "tokenizers" / "smollm2"
    Path("spec.toml").write_text(SPEC.format(tokenizer=tokenizer, extra='duplicates = "keep"'))
    alone = build(spec="spec.toml", out="alone").manifest
    split = build(spec="spec.toml", out="split", workers=2).manifest
    assert alone["rows_out"] == 40
    assert split.content == alone.content


def test_a_row_without_a_system_text_has_no_system_turn() -> None:
    rows = [
        {"id": "with", "instruction": "Sing.", "output": "La.", "system": "You are a bird."},
        {"id": "without", "instruction": "Speak.", "output": "Hm.", "system": ""},
        {"id": "blank", "instruction": "Hum.", "output": "Mm.", "system": "  "},
    ]
    write_rows(rows)
    build("instruct", data="rows.jsonl", template="instruct/question", chat=True, out="out")
    inspector = Inspector(load("out"))
    prompts = {
        example.row_id: inspector.inspect(name, example).prompt
        for name, split in load("out").items()
        for example in split
    }
    assert "You are a bird." in prompts["with"]
    assert "system" in prompts["with"]
    assert "system" not in prompts["without"]
    assert prompts["blank"] == prompts["without"].replace("Speak.", "Hum.")
