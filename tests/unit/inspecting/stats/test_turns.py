"""Statistics of conversations, counted by hand: the tokenizer has one id for each byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.inspecting.stats.turns import _name_group, count_roles, group_by_turns
from sftdata.loading.dataset import Dataset, load

TEMPLATE = (
    "{% for m in messages %}{{ m.role }}:{{ m.reasoning_content }}|{{ m.content }}"
    "{% for c in m.tool_calls %}{{ c.function | tojson }}{% endfor %}<eos>{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def answer(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


CALL = {"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
TALKS: list[list[dict[str, Any]]] = [
    [{"role": "system", "content": "sys"}, user("abcd"), answer("yes")],
    [user("ab"), answer("", tool_calls=[CALL]), {"role": "tool", "content": "12"}, answer("no")],
    [user("é"), answer("go", reasoning_content="hm"), user("x"), answer("y")],
]


@pytest.fixture
def talks(tmp_path: Path, byte_tokenizer: Path) -> Dataset:
    (tmp_path / "chat.jinja").write_text(TEMPLATE)
    source = tmp_path / "talks.jsonl"
    rows = [{"id": f"t{n}", "messages": turns} for n, turns in enumerate(TALKS)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    build(
        "chat", data=source, out=tmp_path / "out", tokenizer=str(byte_tokenizer),
        chat_template=str(tmp_path / "chat.jinja"),
    )  # fmt: skip
    return load(tmp_path / "out")


def test_tokens_are_counted_by_role_and_part(talks: Dataset) -> None:
    assert count_roles(talks) == {
        "system": {"turns": 1, "tokens": 3},
        "user": {"turns": 4, "tokens": 4 + 2 + 2 + 1},
        "tool": {"turns": 1, "tokens": 2},
        "assistant reasoning": {"turns": 1, "tokens": 2},
        "assistant answer": {"turns": 4, "tokens": 3 + 2 + 2 + 1},
        "assistant calls": {"turns": 1, "tokens": len('{"name":"f","arguments":{"x":1}}')},
    }


def test_rows_are_grouped_by_their_number_of_turns(talks: Dataset) -> None:
    groups = group_by_turns(talks)
    counts = {name: (group["rows"], group["taught_turns"]) for name, group in groups.items()}
    assert counts == {"3": (1, 1), "4": (2, 4)}
    assert sum(group["tokens"] for group in groups.values()) == talks.manifest["stats"]["tokens"]


@pytest.mark.parametrize(
    ("turns", "name"), [(2, "2"), (8, "8"), (9, "9-16"), (16, "9-16"), (17, "17-32")]
)
def test_long_conversations_share_a_group(turns: int, name: str) -> None:
    assert _name_group(turns)[0] == name


def test_rows_of_templates_have_no_turns(data: Dataset) -> None:
    with pytest.raises(SftdataError, match="holds no conversations"):
        count_roles(data)
