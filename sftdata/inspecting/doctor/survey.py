"""The whole dataset as checks see it that need all rows: a few numbers for each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sftdata.base.hashing import hash_token_rows
from sftdata.inspecting.doctor.rows import Context, Rows, TemplateFacts, text_bytes
from sftdata.loading.dataset import Dataset

MOST_EXAMPLES = 10  # row ids of a finding


@dataclass(frozen=True)
class Survey:
    """Columns over all rows, in the order of the splits; 25 bytes a row, whatever its length."""

    data: Dataset
    context: Context
    templates: Mapping[str, TemplateFacts]
    template: npt.NDArray[np.int16]  # place in `template_names`
    template_names: list[str]
    prompt_bytes: npt.NDArray[np.int32]
    target_bytes: npt.NDArray[np.int32]
    target_tokens: npt.NDArray[np.int32]
    prompt_hash: npt.NDArray[np.uint64]
    row_hash: npt.NDArray[np.uint64]  # of prompt and target

    def batches(self) -> Iterator[Rows]:
        """All rows once more, batch by batch, in order."""
        return batches(self.data, self.context, self.templates)

    def row_ids(self, places: npt.NDArray[np.int64]) -> tuple[str, ...]:
        """Ids of the first few of these rows."""
        return row_ids(self.data, places)


@dataclass(frozen=True, slots=True)
class BatchSurvey:
    """The numbers of one batch, before they are put together."""

    templates: list[str]
    template: npt.NDArray[np.int16]
    prompt_bytes: npt.NDArray[np.int32]
    target_bytes: npt.NDArray[np.int32]
    target_tokens: npt.NDArray[np.int32]
    prompt_hash: npt.NDArray[np.uint64]
    row_hash: npt.NDArray[np.uint64]


def survey_rows(rows: Rows) -> BatchSurvey:
    """The numbers of each row of a batch."""
    names = list(dict.fromkeys(rows.template_names))
    places = {name: place for place, name in enumerate(names)}
    in_loss = np.concatenate(([0], np.cumsum(rows.mask)))[rows.offsets]
    return BatchSurvey(
        templates=names,
        template=np.array([places[name] for name in rows.template_names], np.int16),
        prompt_bytes=text_bytes(rows.prompt).astype(np.int32),
        target_bytes=text_bytes(rows.target).astype(np.int32),
        target_tokens=np.diff(in_loss).astype(np.int32),
        prompt_hash=hash_token_rows(rows.ids, rows.offsets[:-1], rows.starts),
        row_hash=hash_token_rows(rows.ids, rows.offsets[:-1], rows.offsets[1:]),
    )


def join_surveys(
    data: Dataset,
    context: Context,
    templates: Mapping[str, TemplateFacts],
    parts: list[BatchSurvey],
) -> Survey:
    """The survey of a dataset whose batches gave `parts`, in order."""
    names = list(dict.fromkeys(name for part in parts for name in part.templates))
    codes = [np.array([names.index(n) for n in p.templates], np.int16)[p.template] for p in parts]
    return Survey(
        data=data,
        context=context,
        templates=templates,
        template=np.concatenate(codes),
        template_names=names,
        prompt_bytes=np.concatenate([p.prompt_bytes for p in parts]),
        target_bytes=np.concatenate([p.target_bytes for p in parts]),
        target_tokens=np.concatenate([p.target_tokens for p in parts]),
        prompt_hash=np.concatenate([p.prompt_hash for p in parts]),
        row_hash=np.concatenate([p.row_hash for p in parts]),
    )


def batches(
    data: Dataset, context: Context, templates: Mapping[str, TemplateFacts]
) -> Iterator[Rows]:
    """The rows of a dataset, batch by batch, in the order of its splits."""
    for name, split in data.items():
        for batch in split.to_arrow().to_batches():
            if batch.num_rows:
                yield Rows(name, batch, context, templates)


def row_ids(data: Dataset, places: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Ids of the first few of the rows at these places, counted over all splits."""
    splits = list(data.values())
    ends = np.cumsum([len(split) for split in splits])
    found = []
    for place in np.sort(places)[:MOST_EXAMPLES].tolist():
        at = int(np.searchsorted(ends, place, side="right"))
        found.append(splits[at][place - (int(ends[at]) - len(splits[at]))].row_id)
    return tuple(found)
