"""Prompts: those of a dataset's rows, which are the serving prompts by construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset, Example, load
from sftdata.loading.order import shuffle_indices
from sftdata.rendering.template import Field, Template
from sftdata_train.shot_variants import build_with_shots


@dataclass(frozen=True)
class Prompts:
    """Rows of a split as prompts: `rows` are their places in `data[split]`."""

    data: Dataset
    split: str
    shots: int
    rows: list[int]

    @property
    def examples(self) -> list[Example]:
        """The rows themselves."""
        return [self.data[self.split][row] for row in self.rows]


def shots_of(data: Dataset) -> int | None:
    """How many examples stand before each prompt of a dataset; None where that differs."""
    counts = data.manifest["options"].get("shots", [0])
    return int(counts[0]) if len(counts) == 1 else None


def prompts_for(
    data: Dataset, split: str, shots: int, *, limit: int | None, scratch: Path
) -> Prompts:
    """Prompts with so many shots for the rows of a split, or for `limit` of them, always the same.

    With another number of shots than the dataset's, a variant of it is built in `scratch`.
    Raises `SftdataError` when the split has no rows.
    """
    rows = shuffle_indices(len(data[split]), 0, 0)[:limit].tolist()
    if not rows:
        raise SftdataError(
            f"The split '{split}' of {data.manifest.directory} has no rows to evaluate on.",
            f"Name another: {', '.join(name for name in data if len(data[name]))}.",
        )
    if shots == shots_of(data):
        return Prompts(data, split, shots, rows)
    variant = load(build_with_shots(data.manifest, shots, scratch / f"{shots}-shot"))
    wanted = {data[split][row].row_id for row in rows}
    ids = variant[split].to_arrow().column("row_id").to_pylist()
    return Prompts(variant, split, shots, [i for i, row_id in enumerate(ids) if row_id in wanted])


def prompt_ids(example: Example) -> list[int]:
    """What the model is fed: everything before the target."""
    ids: list[int] = example.input_ids[: example.target_start].tolist()
    return ids


def answer_ids(example: Example) -> list[int]:
    """The target without the token that ends it; of several turns, the first answer."""
    mask = example.label_mask[example.target_start :]
    end = example.target_start + (len(mask) if mask.all() else int(np.argmin(mask)))
    ids: list[int] = example.input_ids[example.target_start : end - 1].tolist()
    return ids


def source_text(prompt: str, template: Template | None) -> str | None:
    """What stands for the template's only field in a decoded prompt, or None where it has more.

    Of a prompt with shots, what stands in the last one.
    """
    parts = template.blocks["prompt"].parts if template is not None else None
    fields = [i for i, part in enumerate(parts or ()) if isinstance(part, Field)]
    if parts is None or len(fields) != 1:
        return None
    before = "".join(map(str, parts[: fields[0]])).lstrip()  # as a chat turn is stripped
    after = "".join(map(str, parts[fields[0] + 1 :])).rstrip()
    start = prompt.rfind(before)
    end = prompt.find(after, start + len(before))
    return prompt[start + len(before) : end] if start >= 0 and end >= 0 and after else None


def check_prompts(prompts: Prompts, templates: Mapping[str, Mapping[str, str]]) -> None:
    """Raises when the rows were rendered by other templates than an adapter was trained on."""
    manifest = prompts.data.manifest
    for label, digest in manifest["template"].items():
        trained = [t["sha256"] for t in templates.values()]
        if digest not in trained:
            raise SftdataError(
                f"{manifest.directory} was built with the template {label}, on which the adapter "
                f"was not trained; it was on {', '.join(templates)}.",
                "Build the rows to evaluate on with the adapter's template.",
            )
