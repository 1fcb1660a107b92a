"""Rows of a dataset as the conversations that they were made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.conversation import TEMPLATE_LABEL, Conversation
from sftdata.base.wording import count
from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset

SourceRow = tuple[str, Conversation, frozenset[int]]  # id, conversation, taught turns


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A row, as it was before it was rendered. A row that a mixture repeats is there each time."""

    split: str
    row_id: str
    conversation: Conversation  # without the turns that were left out because it was too long
    taught: frozenset[int]  # turns in the loss, by index


def place_rows(
    data: Dataset, rows: Iterable[tuple[str, SourceRow]], *, of_templates: bool
) -> Iterator[ConversationRow]:
    """Rows that were read again from their sources, each in its split and as often as it is there.

    `rows` have their task. Raises `SftdataError` at the end if a row of the dataset was not among
    them. `of_templates`: whether they are the rows of templates, or else the conversations.
    """
    copies = _count_copies(data, of_templates)
    for task, (row_id, conversation, taught) in rows:
        # Of rows with one id, a mixture has that of the first part.
        for split, times in copies.pop((task, row_id), Counter()).items():
            for _ in range(times):
                yield ConversationRow(split, row_id, conversation, taught)
    if copies:
        _, row_id = min(copies)
        raise SftdataError(
            f"{count(len(copies), 'row')} of {data.manifest.directory} cannot be found in its "
            f"sources, such as '{row_id}'.",
            "Build the dataset again.",
            code="E708",
        )


def _count_copies(data: Dataset, of_templates: bool) -> dict[tuple[str, str], Counter[str]]:
    """How often each split has the row with a task and an id."""
    copies: dict[tuple[str, str], Counter[str]] = {}
    for name, split in data.items():
        for batch in split.to_arrow().to_batches():
            label = batch.column("template").cast(pa.string())
            compare = pc.not_equal if of_templates else pc.equal
            rows = batch.filter(compare(label, TEMPLATE_LABEL))
            tasks = [data.manifest["task"]] * rows.num_rows
            if "task" in rows.schema.names:
                tasks = rows.column("task").to_pylist()
            for key in zip(tasks, rows.column("row_id").to_pylist(), strict=True):
                copies.setdefault(key, Counter())[name] += 1
    return copies
