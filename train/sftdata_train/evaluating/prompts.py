"""Prompts to evaluate on: those of a dataset's rows, with any number of shots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset, Example, load
from sftdata.loading.order import shuffle_indices
from sftdata.rendering.template import Field, Template
from sftdata_train.evaluating.shot_variants import build_with_shots

_EXTRA_TOKENS = 16  # an answer may be this much longer than the longest target


@dataclass(frozen=True)
class Prompts:
    """Rows of a split to be answered; `rows` are indices into `data[split]`."""

    data: Dataset
    split: str
    shots: int
    rows: list[int]

    @property
    def examples(self) -> list[Example]:
        """The examples of `rows`."""
        return [self.data[self.split][row] for row in self.rows]

    @property
    def answer_limit(self) -> int:
        """The most tokens an answer may have."""
        return max(len(answer_ids(example)) for example in self.examples) + _EXTRA_TOKENS


def count_shots(data: Dataset) -> int | None:
    """The number of shots before each prompt of a dataset; None where it varies."""
    counts = data.manifest["options"].get("shots", [0])
    return int(counts[0]) if len(counts) == 1 else None


def select_prompts(
    data: Dataset, split: str, shots: int, *, limit: int | None, scratch: Path
) -> Prompts:
    """Prompts with `shots` shots for `limit` rows of a split, always the same rows.

    Where the dataset has another number of shots, it is built again in `scratch`.
    Raises `SftdataError` when the split has no rows.
    """
    rows = shuffle_indices(len(data[split]), 0, 0)[:limit].tolist()
    if not rows:
        raise SftdataError(
            f"The split '{split}' of {data.manifest.directory} has no rows to evaluate on.",
            f"Choose another with --split: {', '.join(name for name in data if len(data[name]))}.",
            code="E706",
        )
    if shots == count_shots(data):
        return Prompts(data, split, shots, rows)
    variant = load(build_with_shots(data.manifest, shots, scratch / f"{shots}-shot"))
    wanted = {data[split][row].row_id for row in rows}
    ids = variant[split].to_arrow().column("row_id").to_pylist()
    return Prompts(variant, split, shots, [i for i, row_id in enumerate(ids) if row_id in wanted])


def prompt_ids(example: Example) -> list[int]:
    """The ids before the target: the input of the model at inference.

    Of a conversation they are those before its last answer, the earlier turns included.
    """
    ids: list[int] = example.input_ids[: _last_answer(example)].tolist()
    return ids


def answer_ids(example: Example) -> list[int]:
    """The ids of the target, or of the last answer of a conversation, without its end token."""
    start = _last_answer(example)
    end = start + int(example.label_mask[start:].sum())
    ids: list[int] = example.input_ids[start : end - 1].tolist()
    return ids


def _last_answer(example: Example) -> int:
    """Where the last run of tokens in the loss starts."""
    starts = np.flatnonzero(np.diff(example.label_mask.astype(np.int8), prepend=0) == 1)
    return int(starts[-1])


def read_task(example: Example) -> str:
    """The task of a row: the folder of its template."""
    return example.template.partition("/")[0]


def extract_source(prompt: str, template: Template | None) -> str | None:
    """The value of the template's only field, cut out of a decoded prompt.

    None for templates with several fields. In a prompt with shots it is the value of the last one.
    """
    parts = template.blocks["prompt"].parts if template is not None else None
    fields = [i for i, part in enumerate(parts or ()) if isinstance(part, Field)]
    if parts is None or len(fields) != 1:
        return None
    before = "".join(map(str, parts[: fields[0]])).lstrip()  # chat templates strip turns
    after = "".join(map(str, parts[fields[0] + 1 :])).rstrip()
    start = prompt.rfind(before)
    end = prompt.find(after, start + len(before))
    return prompt[start + len(before) : end] if start >= 0 and end >= 0 and after else None


def check_prompts(prompts: Prompts, templates: Mapping[str, Mapping[str, str]]) -> None:
    """Raises when the rows were rendered by templates the adapter was not trained on."""
    manifest = prompts.data.manifest
    for label, digest in manifest["template"].items():
        trained = [t["sha256"] for t in templates.values()]
        if digest not in trained:
            raise SftdataError(
                f"{manifest.directory} was built with the template {label}, on which the adapter "
                f"was not trained. It was trained on {', '.join(templates) or 'conversations'}.",
                "Build the dataset with a template of the adapter and evaluate on that.",
                code="E902",
            )
