"""Every task on its real golden set, plain and as chat, with and without shots: row by row what an
independent oracle says, and row by row what serving would send."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import oracle
from support.chat_oracle import ChatOracle, Message
from support.shot_pools import read_pool
from support.tasks import TASKS, Row, render_block, take_rows, template_source

from sftdata import build, load
from sftdata.base.content import bundled_root
from sftdata.inspecting.verify import find_faults
from sftdata.loading.dataset import Example
from sftdata.serving.load import load_prompt_renderer
from sftdata.tokenizing.load import load_tokenizer
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import Manifest, pool_path

ROWS = 100
TEMPLATES = bundled_root() / "templates"

pytestmark = pytest.mark.real


@functools.cache
def plain(folder: Path) -> oracle.OracleTokenizer:
    return oracle.OracleTokenizer(folder)


@functools.cache
def chat(folder: Path) -> ChatOracle:
    return ChatOracle(folder)


def examples_of(manifest: Manifest) -> Iterator[tuple[str, Example]]:
    for name, split in load(manifest.directory).items():
        for example in split:
            yield name, example


def with_blanks(task: str, row: Row) -> Row:
    """The fields a template of the task can ask for; optional ones may be missing in the rows."""
    return {"context": "", **row} if task == "qa" else row


def texts_of(label: str, row: Mapping[str, str]) -> tuple[str, str, str]:
    source = template_source(label)
    system, prompt, target = (
        render_block(source, name, dict(row)) for name in ("system", "prompt", "target")
    )
    return system, prompt, target


def build_task(
    shared: Path, task: str, tokenizer: str, **options: Any
) -> tuple[list[Row], Manifest]:
    rows = take_rows(shared, task, ROWS, Path(f"{task}.jsonl"))
    names = [f"{task}/{path.stem}" for path in TEMPLATES.glob(f"{task}/*.jinja")]
    manifest = build(
        task,
        data=f"{task}.jsonl",
        template=sorted(names),
        tokenizer=shared / "tokenizers" / tokenizer,
        out=f"out/{task}",
        max_length=100_000,
        max_dropped=100,
        **options,
    ).manifest
    dropped = {x["row_id"] for x in read_ledger(manifest).to_pylist() if x["status"] == "dropped"}
    kept = {example.row_id for _, example in examples_of(manifest)}
    assert kept | dropped == {row["id"] for row in rows}
    assert not kept & dropped
    assert len(kept) > 0.9 * len(rows)
    assert find_faults(manifest.directory, deep=True) == []
    return rows, manifest


def assert_serving_equals_training(rows: list[Row], task: str, manifest: Manifest) -> None:
    by_id = {row["id"]: row for row in rows}
    renderer = load_prompt_renderer(manifest.directory)
    for _, example in examples_of(manifest):
        prompt = renderer.render(with_blanks(task, by_id[example.row_id]))
        assert prompt.template == example.template
        assert prompt.input_ids == example.input_ids[: example.target_start].tolist()
        assert int(example.input_ids[-1]) in prompt.stop_ids


@pytest.mark.parametrize("tokenizer", ["gpt2", "mistral-v3"])
@pytest.mark.parametrize("task", TASKS)
def test_plain_examples_equal_the_oracle(task: str, tokenizer: str, shared: Path) -> None:
    rows, manifest = build_task(shared, task, tokenizer)
    encoder = plain(shared / "tokenizers" / tokenizer)
    by_id = {row["id"]: with_blanks(task, row) for row in rows}
    used = set()
    for _, example in examples_of(manifest):
        used.add(example.template)
        system, prompt, target = texts_of(example.template, by_id[example.row_id])
        (prompt_ids,), (target_ids,) = (
            encoder.encode([system + prompt]),
            encoder.encode_continuation([target]),
        )
        bos = [] if encoder.bos_id is None else [encoder.bos_id]
        assert example.input_ids.tolist() == [*bos, *prompt_ids, *target_ids, encoder.eos_id]
        assert example.target_start == len(bos) + len(prompt_ids)
        assert example.label_mask.tolist() == [
            at >= example.target_start for at in range(len(example.input_ids))
        ]
    assert len(used) >= 3  # each template of the task has its rows
    assert_serving_equals_training(rows, task, manifest)


@pytest.mark.parametrize("task", TASKS)
def test_shots_of_plain_prompts_are_training_rows_and_never_the_row_itself(
    task: str, shared: Path
) -> None:
    rows, manifest = build_task(shared, task, "smollm2", shots=[0, 2])
    encoder = plain(shared / "tokenizers" / "smollm2")
    by_id = {row["id"]: with_blanks(task, row) for row in rows}
    pool = read_pool(manifest.directory / pool_path(manifest["build"]))
    pool_ids = pool.rows.column("row_id").to_pylist()
    train = {example.row_id for name, example in examples_of(manifest) if name == "train"}
    counts = []
    solved: dict[str, dict[str, str]] = {}
    for _, example in examples_of(manifest):
        text, _ = encoder.decode_parts(example.input_ids.tolist(), example.target_start)
        system, prompt, _ = texts_of(example.template, by_id[example.row_id])
        middle = text.removeprefix(encoder.as_stored(system))
        assert middle.endswith(encoder.as_stored(prompt))
        middle = middle[: len(middle) - len(encoder.as_stored(prompt))]
        if example.template not in solved:
            solved[example.template] = {
                encoder.as_stored("".join(texts_of(example.template, by_id[i])[1:]) + "\n\n"): i
                for i in pool_ids
            }
        shots = 0
        while middle:
            shot = next(text for text in solved[example.template] if middle.startswith(text))
            assert solved[example.template][shot] != example.row_id
            middle = middle[len(shot) :]
            shots += 1
        counts.append(shots)
        (ids,) = encoder.encode([text])
        assert example.input_ids[: example.target_start].tolist() == ids
    assert set(counts) == {0, 2}
    dropped = {x["row_id"] for x in read_ledger(manifest).to_pylist()}
    assert set(pool_ids) <= train | dropped
    assert_serving_equals_training(rows, task, manifest)


@pytest.mark.parametrize(
    ("task", "tokenizer", "options"),
    [
        *((task, tokenizer, {}) for task in TASKS for tokenizer in ("smollm2", "qwen3")),
        ("qa", "qwen3", {"enable_thinking": False}),  # the template of the chat, not of the task
    ],
)
def test_chat_examples_equal_apply_chat_template(
    task: str, tokenizer: str, options: dict[str, Any], shared: Path
) -> None:
    rows, manifest = build_task(shared, task, tokenizer, chat=True, chat_options=options)
    model = chat(shared / "tokenizers" / tokenizer)
    control = load_tokenizer(str(shared / "tokenizers" / tokenizer)).control_tokens
    by_id = {row["id"]: with_blanks(task, row) for row in rows}
    for _, example in examples_of(manifest):
        system, prompt, target = (
            text.strip() for text in texts_of(example.template, by_id[example.row_id])
        )
        asked: list[Message] = [{"role": "system", "content": system}] if system else []
        asked.append({"role": "user", "content": prompt})
        whole = [*asked, {"role": "assistant", "content": target}]
        if any(token in prompt + target for token in control):
            # transformers would make a control token of it; here it stays the text it is.
            assert prompt in model.tokenizer.decode(example.input_ids)
            continue
        assert example.input_ids.tolist() == model.example_ids(whole, **options)
        fed = model.prompt_ids(asked, **options)
        assert example.input_ids[: example.target_start].tolist() == fed
        assert example.label_mask.tolist() == [
            at >= len(fed) for at in range(len(example.input_ids))
        ]
    template = hashlib.sha256(model.tokenizer.chat_template.encode()).hexdigest()
    assert manifest["chat"] == {
        "template_sha256": template, "end_id": model.end_id, "options": options,
    }  # fmt: skip
    assert_serving_equals_training(rows, task, manifest)


@pytest.mark.parametrize("tokenizer", ["smollm2", "qwen3"])
@pytest.mark.parametrize("task", ["summarize", "qa"])
def test_shots_of_chat_prompts_are_turns(task: str, tokenizer: str, shared: Path) -> None:
    rows, manifest = build_task(shared, task, tokenizer, chat=True, shots=2)
    model = chat(shared / "tokenizers" / tokenizer)
    by_id = {row["id"]: with_blanks(task, row) for row in rows}
    pool = read_pool(manifest.directory / pool_path(manifest["build"]))
    pool_ids = pool.rows.column("row_id").to_pylist()
    solved: dict[str, set[tuple[str, str]]] = {}
    for _, example in examples_of(manifest):
        label = example.template
        if label not in solved:
            pairs = (texts_of(label, by_id[i])[1:] for i in pool_ids)
            solved[label] = {(asked.strip(), answer.strip()) for asked, answer in pairs}
        fed = example.input_ids[: example.target_start].tolist()
        system, prompt, target = (t.strip() for t in texts_of(label, by_id[example.row_id]))
        # The last two turns are the question and the one to be written; some templates put a
        # system turn of their own first.
        turns = [turn for turn in model.messages_of(fed) if turn["role"] != "system"]
        shots = turns[:-2]
        assert [turn["role"] for turn in shots] == ["user", "assistant"] * 2
        for asked, answer in zip(shots[::2], shots[1::2], strict=True):
            assert (asked["content"], answer["content"]) in solved[label]
            assert asked["content"] != prompt
        head: list[Message] = [{"role": "system", "content": system}] if system else []
        conversation = [*head, *shots, {"role": "user", "content": prompt}]
        assert model.prompt_ids(conversation) == fed
        conversation.append({"role": "assistant", "content": target})
        assert model.example_ids(conversation) == example.input_ids.tolist()
        assert example.label_mask.tolist() == [
            at >= len(fed) for at in range(len(example.input_ids))
        ]
    assert_serving_equals_training(rows, task, manifest)
