"""The whole dataset as checks see it: batches of rows, measures of all rows, facts on templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import to_flags
from sftdata.inspecting.doctor.batch import RowBatch
from sftdata.inspecting.doctor.context import DatasetContext
from sftdata.inspecting.doctor.measures import RowMeasures
from sftdata.inspecting.doctor.template_facts import TemplateFacts, learn_facts
from sftdata.loading.dataset import Dataset

MOST_EXAMPLES = 10  # row ids of a finding
_SAMPLE_ROWS = 256  # of each split, to learn about templates


@dataclass(frozen=True)
class CheckedDataset:
    """A dataset with measures of all its rows, in the order of the splits."""

    data: Dataset
    context: DatasetContext
    templates: Mapping[str, TemplateFacts]
    rows: RowMeasures

    def batches(self) -> Iterator[tuple[int, RowBatch]]:
        """All rows once more, batch by batch, each with the place of its first row."""
        first = 0
        for batch in read_batches(self.data, self.context, self.templates):
            yield first, batch
            first += len(batch)

    def row_ids(self, places: npt.NDArray[np.int64]) -> tuple[str, ...]:
        """Ids of the first few rows at these places."""
        rows = read_rows(self.data, self.context, self.templates, places)
        return tuple(row.batch.column("row_id")[0].as_py() for row in rows)

    def places(self, row_ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
        """The places of the rows with these ids."""
        wanted = row_ids.combine_chunks()
        of_split = [
            to_flags(pc.is_in(chunk, wanted))
            for split in self.data.values()
            for chunk in split.to_arrow().column("row_id").chunks
        ]
        return np.flatnonzero(np.concatenate([np.empty(0, np.bool_), *of_split]))


def read_batches(
    data: Dataset, context: DatasetContext, templates: Mapping[str, TemplateFacts]
) -> Iterator[RowBatch]:
    """The rows of a dataset, batch by batch, in the order of its splits."""
    for name, split in data.items():
        for batch in split.to_arrow().to_batches():
            if batch.num_rows:
                yield RowBatch(name, batch, context, templates)


def learn_templates(data: Dataset, context: DatasetContext) -> dict[str, TemplateFacts]:
    """Facts about each template, from the first rows of each split."""
    samples: dict[str, list[tuple[str, str]]] = {}
    for name, split in data.items():
        for batch in split[:_SAMPLE_ROWS].to_arrow().to_batches():
            rows = RowBatch(name, batch, context, {})
            prompts, targets = rows.prompt.to_pylist(), rows.target.to_pylist()
            for place, prompt, target in zip(rows.template, prompts, targets, strict=True):
                template = rows.template_names[place]
                samples.setdefault(template, []).append((prompt, target))
    return {name: learn_facts(pairs) for name, pairs in samples.items()}


def read_rows(
    data: Dataset,
    context: DatasetContext,
    templates: Mapping[str, TemplateFacts],
    places: npt.NDArray[np.int64],
) -> Iterator[RowBatch]:
    """The first few rows at these places, counted over all splits, each as a batch of one."""
    splits = list(data.items())
    ends = np.cumsum([len(split) for _, split in splits])
    for place in np.sort(places)[:MOST_EXAMPLES].tolist():
        at = int(np.searchsorted(ends, place, side="right"))
        name, split = splits[at]
        row = place - (int(ends[at]) - len(split))
        for batch in split[row : row + 1].to_arrow().to_batches():
            yield RowBatch(name, batch, context, templates)
