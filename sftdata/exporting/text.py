"""Formats with decoded text, as JSON lines: messages, and prompt with completion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset
from sftdata.loading.text import TextReader


def write_messages(data: Dataset, splits: list[str], out: Path, max_length: int | None) -> None:
    """Write a JSONL file for each split: the prompt as the user's message, the target as answer.

    Raises `SftdataError` for a chat dataset, whose prompts are rendered turns.
    """
    _refuse_chat(data)
    for name in splits:
        _write(
            out / f"{name}.jsonl",
            (
                {
                    "messages": [
                        {"role": "user", "content": prompt.strip()},
                        {"role": "assistant", "content": target.strip()},
                    ]
                }
                for prompt, target in _read_texts(data, name)
            ),
        )


def write_prompt_completion(
    data: Dataset, splits: list[str], out: Path, max_length: int | None
) -> None:
    """Write a JSONL file for each split with the exact text of `prompt` and `completion`.

    A conversation is a line for each of its answers: the prompt is all that stands before it.
    """
    reader = TextReader(data)
    for name in splits:
        rows = (
            {"prompt": prompt, "completion": target}
            for example in data[name]
            for prompt, target in reader.read_answers(example)
        )
        _write(out / f"{name}.jsonl", rows)


def _read_texts(data: Dataset, split: str) -> Iterator[tuple[str, str]]:
    reader = TextReader(data)
    return (reader.read(example) for example in data[split])


def _write(path: Path, lines: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _refuse_chat(data: Dataset) -> None:
    if data.manifest.content.get("chat"):
        raise SftdataError(
            f"{data.manifest.directory} is a chat dataset: its prompts hold chat template markup.",
            "Export it as prompt-completion. Rows that are no conversations can also be built and "
            "exported without --chat.",
            code="E706",
        )
