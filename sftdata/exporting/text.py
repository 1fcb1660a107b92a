"""The format with decoded text, as JSON lines: prompt with completion."""

from __future__ import annotations

from pathlib import Path

import orjson

from sftdata.loading.dataset import Dataset
from sftdata.loading.text import TextReader

_ROWS_AT_ONCE = 4096


def write_prompt_completion(
    data: Dataset, splits: list[str], out: Path, max_length: int | None
) -> None:
    """Write a JSONL file for each split with the exact text of `prompt` and `completion`.

    A conversation is a line for each of its answers: the prompt is all that stands before it.
    """
    reader = TextReader(data)
    for name in splits:
        with (out / f"{name}.jsonl").open("wb") as file:
            for batch in data[name].batches(_ROWS_AT_ONCE):
                columns = (column.to_pylist() for column in reader.read_answers(batch))
                file.writelines(
                    orjson.dumps({"prompt": prompt, "completion": target}) + b"\n"
                    for prompt, target in zip(*columns, strict=True)
                )
