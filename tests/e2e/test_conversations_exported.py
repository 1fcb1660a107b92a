"""Conversations leave a dataset as they came in: exported and built again, the ids are the same."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.made_chats import make_tokenizer
from support.places import BUNDLED_TOKENIZER

from sftdata import build, load
from sftdata.cli.export import read_rows
from sftdata.errors import SftdataError
from sftdata.exporting.export import export
from sftdata.inspecting.conversations import read_conversations

Lines = list[dict[str, Any]]
EXPORTED = "exported"


def export_messages(directory: str) -> Lines:
    export(Path(directory), "messages", Path(EXPORTED), read_rows=read_rows)
    files = sorted(Path(EXPORTED).glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def tokens(directory: str) -> dict[str, tuple[list[int], list[bool]]]:
    return {
        example.row_id: (example.input_ids.tolist(), example.label_mask.tolist())
        for split in load(directory).values()
        for example in split
    }


def write(rows: Lines) -> str:
    Path("talks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return "talks.jsonl"


def turn(role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


LONG = [
    turn("system", "Be brief."),
    *(turn(role, f"{role} {n}. " * 9) for n in range(6) for role in ("user", "assistant")),
]


# ChatML as most models have it: turns in markers, and each tool and call as JSON.
CHATML = """\
{%- for tool in tools or [] %}<|im_start|>tool_list
{{ tool | tojson }}<|im_end|>
{% endfor %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.reasoning_content is defined %}<think>
{{ message.reasoning_content }}
</think>

{% endif %}{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}<tool_call>
{{ call.function | tojson }}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def check_round_trip(tokenizer: str | None, **options: Any) -> Lines:
    """Builds the bundled conversations, and again what they are exported as; that is returned."""
    build("chat", out="first", tokenizer=tokenizer, **options)
    rows = export_messages("first")
    build("chat", data=write(rows), out="second", tokenizer=tokenizer, duplicates="keep")
    assert tokens("second") == tokens("first")
    return rows


@pytest.mark.parametrize(
    "options", [{}, {"loss": "last"}, {"max_length": 300, "max_dropped": 50.0}, {"unroll": True}]
)
def test_what_is_exported_as_messages_builds_the_same_ids(options: dict[str, Any]) -> None:
    rows = check_round_trip(None, **options)
    assert len(rows) == sum(map(len, load("first").values()))
    calls = [c for row in rows for m in row["messages"] for c in m.get("tool_calls", ())]
    assert calls
    assert all(isinstance(json.loads(c["function"]["arguments"]), dict) for c in calls)
    assert any("reasoning_content" in m for row in rows for m in row["messages"])


def test_with_a_made_tokenizer_the_ids_are_the_same() -> None:
    made = make_tokenizer(BUNDLED_TOKENIZER, CHATML, Path("chatml"), eos="<|im_end|>")
    check_round_trip(str(made))


@pytest.mark.real
def test_with_qwen3_the_answers_it_cannot_teach_stay_untaught(shared: Path) -> None:
    rows = check_round_trip(str(shared / "tokenizers" / "qwen3"))
    untaught = {r["id"] for r in rows for m in r["messages"] if m.get("weight") == 0}
    assert untaught == {"chat-034", "chat-037", "chat-039", "chat-042"}
    assert not load("second").manifest["flagged"]


def test_turns_that_were_left_out_are_not_exported() -> None:
    build("chat", data=write([{"id": "long", "messages": LONG}]), out="out", max_length=150)
    (row,) = export_messages("out")
    assert row["messages"][0] == LONG[0]
    assert 2 < len(row["messages"]) < len(LONG)
    assert row["messages"][1:] == LONG[-len(row["messages"]) + 1 :]


def test_of_rows_with_one_id_the_kept_one_is_exported() -> None:
    talks = [[turn("user", f"Q{n}?"), turn("assistant", "A.")] for n in (1, 2)]
    rows = [{"id": "same", "messages": talk} for talk in (LONG, *talks)]
    build("chat", data=write(rows), out="out", max_length=50, max_dropped=90.0)
    (row,) = export_messages("out")
    assert row["messages"] == talks[0]


def test_a_source_that_was_changed_is_named_before_anything_is_written() -> None:
    rows: Lines = [{"id": "a", "messages": [turn("user", "Hi"), turn("assistant", "Ho")]}]
    build("chat", data=write(rows), out="out")
    rows[0]["messages"][1]["content"] = "Hum"
    write(rows)
    with pytest.raises(SftdataError, match=r"out was built from other content of: talks\.jsonl"):
        export_messages("out")
    assert not Path(EXPORTED).exists()
    Path("talks.jsonl").unlink()
    with pytest.raises(SftdataError, match=r"sources of out(?s:.*)no file 'talks.jsonl'"):
        export_messages("out")


def test_each_answer_is_a_completion_without_the_turns_after_it() -> None:
    talk = [turn("user", "Hi"), turn("assistant", "Hello.")]
    talk += [turn("user", "More?"), turn("assistant", "Yes.")]
    build("chat", data=write([{"id": "a", "messages": talk}]), out="out")
    export(Path("out"), "prompt-completion", Path(EXPORTED))
    lines = [json.loads(x) for x in Path(EXPORTED, "train.jsonl").read_text().splitlines()]
    assert [line["completion"] for line in lines] == ["Hello.", "Yes."]
    assert "More?" not in lines[0]["prompt"]
    assert lines[1]["prompt"].startswith(lines[0]["prompt"] + "Hello.")


def test_a_mixture_gives_back_its_conversations_and_the_turns_of_its_templates() -> None:
    Path("pipelines").mkdir()
    head = 'task = "mix"\ntokenizer = "tokenizers/small"\nchat = true\n'
    head += '[[sources]]\nspec = "chat"\n'
    Path("pipelines", "talks.toml").write_text(head)
    Path("pipelines", "both.toml").write_text(f'{head}[[sources]]\nspec = "instruct"\n')
    build("talks", out="talks")
    build("chat", out="alone")
    given = {row.row_id: row.conversation for row in read_conversations(load("alone"))}
    rows = list(read_conversations(load("talks")))
    assert len(rows) == sum(map(len, load("talks").values()))
    assert all(row.conversation == given[row.row_id] for row in rows)
    build("both", out="both")
    assert {row.row_id for row in read_conversations(load("both"))} == given.keys()
    exported = [row["id"] for row in export_messages("both")]
    assert sorted(exported) == sorted(e.row_id for split in load("both").values() for e in split)


def test_rows_of_standard_input_cannot_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line = json.dumps({"messages": [turn("user", "Hi"), turn("assistant", "Ho")]})
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line.encode())))
    build("chat", data="-", out="out")
    with pytest.raises(SftdataError, match="out was built from standard input, which is not kept"):
        export_messages("out")


def test_answers_in_a_prompt_stay_outside_the_loss() -> None:
    prompt = [turn("user", "Hi"), turn("assistant", "Ho"), turn("user", "So?")]
    build(
        "chat", data=write([{"prompt": prompt, "completion": [turn("assistant", "No")]}]), out="a"
    )
    (row,) = export_messages("a")
    assert [message.get("weight") for message in row["messages"]] == [None, 0, None, None]
    build("chat", data=write([row]), out="b")
    assert tokens("b") == tokens("a")


def test_rows_that_a_second_file_repeats_are_exported_once() -> None:
    talks = [[turn("user", f"Q{n}?"), turn("assistant", "A.")] for n in range(6)]
    table = pa.Table.from_pylist([{"messages": talk} for talk in talks[:4]])
    pq.write_table(table, "first.parquet", row_group_size=2)
    more = write([{"messages": talk} for talk in talks[2:]])
    build("chat", data=["first.parquet", more], out="out", max_dropped=50.0)
    found = [row["messages"] for row in export_messages("out")]
    assert sorted(found, key=str) == talks
