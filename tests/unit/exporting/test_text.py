"""Decoded text: prompt and completion are exact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sftdata.exporting.text import write_prompt_completion
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
