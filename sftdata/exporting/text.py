"""Formats that are text again: messages, and prompt and completion, a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset
from sftdata.loading.text import TextReader


def write_messages(data: Dataset, splits: list[str], out: Path, max_length: int | None) -> None:
    """A JSONL file a split with `messages`: the prompt as the user's, the target as the answer.

    Raises `SftdataError` for a chat dataset, whose turns are no longer apart.
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
                for prompt, target in _texts(data, name)
            ),
        )


def write_prompt_completion(
    data: Dataset, splits: list[str], out: Path, max_length: int | None
) -> None:
    """A JSONL file a split with `prompt` and `completion`, the text as it was tokenized."""
    for name in splits:
        rows = ({"prompt": prompt, "completion": target} for prompt, target in _texts(data, name))
        _write(out / f"{name}.jsonl", rows)


def _texts(data: Dataset, split: str) -> Iterator[tuple[str, str]]:
    reader = TextReader(data)
    return (reader.read(example) for example in data[split])


def _write(path: Path, lines: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _refuse_chat(data: Dataset) -> None:
    if data.manifest.content.get("chat"):
        raise SftdataError(
            f"{data.manifest.directory} is a chat dataset: its prompts hold the turns' markup.",
            "Export it as prompt-completion, or build it without --chat and export that.",
        )
