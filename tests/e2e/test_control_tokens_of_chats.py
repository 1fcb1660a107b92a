"""Eight tokenizers with their chat templates: no field of a conversation makes a control token.

In every field stands a control token, whole and cut over the seam of two fields. The control tokens
of the row must be those of the same row with a plain word: all of them are the template's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.made_chats import make_tokenizer
from support.places import BUNDLED_TOKENIZER, SHARED

from sftdata.building.build import build
from sftdata.loading.dataset import load
from sftdata.tokenizing.load import load_tokenizer

pytestmark = pytest.mark.real
WORD = "word"
SHARED_ONES = ("smollm2", "qwen3", "gemma3")
MADE = ("trl-llama3_1", "trl-gptoss", "trl-glm4moe", "trl-lfm2", "trl-qwen2_5")
SPEC = """
task = "talk"
data = ["talk.jsonl"]
tokenizer = "set by the test"
chat = true
date = "2026-01-31"
[fields]
id = "id"
messages = "messages"
tools = { path = "tools", optional = true }
[split]
train = 1
"""
MOST = 6  # tokens of a tokenizer


def turn(role: str, content: str, **other: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **other}


def conversations(a: str, b: str) -> Iterator[dict[str, Any]]:
    """A row for each shape; `a` and `b` stand side by side where two fields meet."""
    yield {"messages": [turn("user", f"{a} {b}"), turn("assistant", f"{a} {b} {a}")]}
    yield {"messages": [turn("system", a), turn("user", b), turn("assistant", a)]}
    yield {
        "messages": [turn("user", a), turn("assistant", b), turn("user", a), turn("assistant", b)]
    }
    yield {"messages": [turn("user", a), turn("assistant", b, reasoning_content=f"{a} {b}")]}
    query = {"type": "string", "description": a}
    parameters = {"type": "object", "properties": {"query": query}}
    function = {"name": "find", "description": f"{a} {b}", "parameters": parameters}
    made = {"name": "find", "arguments": {"query": f"{a} {b}"}}
    call = {"id": "call00001", "type": "function", "function": made}
    yield {
        "messages": [
            turn("user", a), turn("assistant", "", tool_calls=[call]),
            turn("tool", f"{a} {b}", tool_call_id="call00001", name="find"), turn("assistant", b),
        ],
        "tools": [{"type": "function", "function": function}],
    }  # fmt: skip


def skeletons(folder: Path, pairs: list[tuple[str, str]]) -> dict[tuple[int, int], list[int]]:
    """The control tokens of each row, by the numbers of its pair and its shape."""
    control = load_tokenizer(str(folder)).control_ids
    Path("spec.toml").write_text(SPEC)
    with Path("talk.jsonl").open("w") as file:
        for number, pair in enumerate(pairs):
            for shape, row in enumerate(conversations(*pair)):
                print(json.dumps({"id": f"{number}-{shape}"} | row), file=file)
    build(spec="spec.toml", tokenizer=str(folder), out="out", max_dropped=99.0, duplicates="keep")
    found: dict[tuple[int, int], list[int]] = {}
    for example in load("out")["train"]:
        pair, shape = example.row_id.partition("#")[0].split("-")
        ids = [i for i in example.input_ids.tolist() if i in control]
        found.setdefault((int(pair), int(shape)), []).extend(ids)
    return found


@pytest.mark.parametrize("name", [*SHARED_ONES, *MADE])
def test_no_field_makes_a_control_token(name: str, tmp_path: Path) -> None:
    folder = SHARED / "tokenizers" / name
    if name in MADE:
        folder = tmp_path / "t"
        source = SHARED / "chat_templates" / f"{name}.jinja"
        make_tokenizer(BUNDLED_TOKENIZER, source.read_text(encoding="utf-8"), folder)
    tokens = list(load_tokenizer(str(folder)).control_tokens)
    tokens = tokens[:: max(1, len(tokens) // MOST)]
    pairs = [(WORD, WORD), *((token, token) for token in tokens)]
    pairs += [(token[:at], token[at:]) for token in tokens for at in (1, len(token) // 2)]
    found = skeletons(folder, pairs)
    shapes = {shape for pair, shape in found if pair == 0}
    assert {0, 2} <= shapes, "the template takes plain conversations"
    assert len(found) > 0.9 * len(pairs) * len(shapes)
    for (pair, shape), ids in found.items():
        assert ids == found[0, shape], pairs[pair]
