"""Decoded text: exact for prompt and completion, stripped for messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import handmade
from support.handmade import row

from sftdata.errors import SftdataError
from sftdata.exporting.text import write_messages, write_prompt_completion
from sftdata.loading.dataset import Dataset


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_prompt_and_completion_are_the_exact_text(data: Dataset, out: Path) -> None:
    write_prompt_completion(data, ["train", "test"], out, None)
    assert read_lines(out / "train.jsonl") == [
        {"prompt": "ab\n", "completion": "cd"},
        {"prompt": "e\n", "completion": "f"},
    ]
    assert read_lines(out / "test.jsonl") == [{"prompt": "g\n", "completion": "é"}]


def test_each_answer_of_a_conversation_is_a_completion(two_answers: Dataset, out: Path) -> None:
    write_prompt_completion(two_answers, ["train"], out, None)
    assert read_lines(out / "train.jsonl") == [
        {"prompt": "q\n", "completion": "a"},
        {"prompt": "q\na<eos>r\n", "completion": "b"},
        {"prompt": "e\n", "completion": "f"},
    ]


def test_messages_are_a_question_and_an_answer(data: Dataset, out: Path) -> None:
    write_messages(data, ["test"], out, None)
    assert read_lines(out / "test.jsonl") == [
        {
            "messages": [
                {"role": "user", "content": "g"},
                {"role": "assistant", "content": "é"},
            ]
        }
    ]


def test_a_chat_dataset_has_no_messages_to_export(
    tmp_path: Path, byte_tokenizer: Path, out: Path
) -> None:
    chat = handmade.write(tmp_path, byte_tokenizer, [row("a", "b", "c")], chat={"end_id": 256})
    with pytest.raises(SftdataError, match=r"chat template markup(?s:.*)prompt-completion\. Rows"):
        write_messages(chat, ["train"], out, None)
