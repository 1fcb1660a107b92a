"""A batch of rows as checks see it: ids, mask and text; the text is decoded at first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import numbers, to_flags, to_numbers
from sftdata.base.schema import row_offsets
from sftdata.inspecting.doctor.context import DatasetContext
from sftdata.inspecting.doctor.template_facts import TemplateFacts


@dataclass(frozen=True)
class RowBatch:
    """The rows of one batch of one split."""

    split: str
    batch: pa.RecordBatch
    context: DatasetContext
    templates: Mapping[str, TemplateFacts]

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    @cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """int64[rows + 1]: where each row starts in `ids`."""
        offsets = row_offsets(self.batch)
        return np.asarray(offsets - offsets[0])

    @cached_property
    def ids(self) -> npt.NDArray[np.int32]:
        """The tokens of all rows, flat."""
        return np.asarray(to_numbers(self.batch.column("input_ids").flatten()))

    @cached_property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Which of `ids` count in the loss."""
        return to_flags(self.batch.column("label_mask").flatten())

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """int64[rows]: where each target starts in `ids`."""
        return np.asarray(self.offsets[:-1] + to_numbers(self.batch.column("target_start")))

    @cached_property
    def before_target(self) -> npt.NDArray[np.bool_]:
        """Which of `ids` stand before their row's target."""
        parts = np.stack((self.starts - self.offsets[:-1], self.offsets[1:] - self.starts), axis=1)
        return np.repeat(np.tile(np.array([True, False]), len(self)), parts.ravel())

    @cached_property
    def ends_well(self) -> npt.NDArray[np.bool_]:
        """Whether the last token of each row is EOS or the end of a turn."""
        return np.isin(self.ids[self.offsets[1:] - 1], self.context.end_ids)

    @cached_property
    def answer_mask(self) -> npt.NDArray[np.bool_]:
        """Which of `ids` are content of an answer: in the loss, but not the end token."""
        mask = self.mask.copy()
        mask[(self.offsets[1:] - 1)[self.ends_well]] = False
        return mask

    @cached_property
    def prompt(self) -> pa.LargeStringArray:
        """The text before the target, without control tokens."""
        offsets = np.concatenate(([0], np.cumsum(self.starts - self.offsets[:-1])))
        return self.context.decoder.decode(self.ids[self.before_target], offsets)

    @cached_property
    def target(self) -> pa.LargeStringArray:
        """The text in the loss, without control tokens."""
        counts = np.concatenate(([0], np.cumsum(self.answer_mask)))
        ids = self.ids[self.answer_mask]
        return self.context.decoder.decode(ids, counts[self.offsets], continues=True)

    @property
    def texts(self) -> tuple[pa.LargeStringArray, pa.LargeStringArray]:
        """The prompts and the targets."""
        return self.prompt, self.target

    @cached_property
    def template_names(self) -> list[str]:
        """The templates of the batch, also such as no row of it has."""
        return list(self.batch.column("template").dictionary.to_pylist())

    @cached_property
    def template(self) -> npt.NDArray[np.int32]:
        """int32[rows]: place in `template_names` of each row's template."""
        return np.asarray(to_numbers(self.batch.column("template").indices).astype(np.int32))

    def by_template(self, values: Mapping[str, Any], dtype: type) -> npt.NDArray[Any]:
        """dtype[rows]: the value of each row's template; 0 or False without one."""
        own = [values.get(name) or 0 for name in self.template_names]
        return np.array(own, dtype)[self.template]

    def pairs(self, chosen: npt.NDArray[np.bool_]) -> Iterator[tuple[int, str, str]]:
        """Place, prompt and target of the chosen rows, one by one."""
        rows = np.flatnonzero(chosen)
        if len(rows):
            places = numbers(rows)
            prompts, targets = (text.take(places).to_pylist() for text in self.texts)
            yield from zip(rows.tolist(), prompts, targets, strict=True)

    def where_template(self, has: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """bool[rows]: whether `has` is true for the row's template."""
        return self.by_template(has, np.bool_)


def find_control(rows: RowBatch, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Which of `ids` are control tokens."""
    table = rows.context.is_control
    return np.asarray(table[np.minimum(ids.view(np.uint32), len(table) - 1)])


def matches(column: pa.LargeStringArray, pattern: str) -> npt.NDArray[np.bool_]:
    """bool[rows]: which texts hold a match of the RE2 pattern."""
    return to_flags(pc.match_substring_regex(column, pattern))


def text_bytes(column: pa.LargeStringArray) -> npt.NDArray[np.int64]:
    """int64[rows]: the length of each text in UTF-8."""
    return np.asarray(to_numbers(pc.binary_length(column)))
