"""One row of a dataset, and a batch of rows in flat arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sftdata.base.wording import count
from sftdata.errors import SftdataError

IGNORED = -100  # the label of a token outside the loss


class RowReader(Protocol):
    """Decodes the rows of a split. Rows of `sftdata.load` have one.

    `inspecting.notebook` makes it: this folder knows neither the views of a row nor a page.
    """

    def read(self, example: Example, /) -> tuple[str, str]:
        """Prompt and target, decoded."""

    def read_tokens(self, example: Example, /) -> tuple[str, ...]:
        """Each token as the vocabulary writes it."""

    def to_html(self, example: Example, /) -> str:
        """The row as `inspect --html` shows it."""


@dataclass(frozen=True, slots=True, repr=False)
class Example:
    """One row. The arrays are read-only views into the mapped shard."""

    row_id: str
    template: str
    input_ids: npt.NDArray[np.int32]  # [tokens]
    label_mask: npt.NDArray[np.bool_]  # [tokens], true where the token is in the loss
    target_start: int  # index of the first target token
    task: str | None = None  # only in a mixture
    reader: RowReader | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return (
            f"Example({self.row_id!r}, {count(len(self.input_ids), 'token')}, "
            f"{int(self.label_mask.sum()):,} in the loss, {self.template!r})"
        )

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """int32[tokens]: `input_ids` where the mask is true, else -100. Not shifted."""
        return make_labels(self.input_ids, self.label_mask)

    @property
    def prompt(self) -> str:
        """The decoded prompt, without BOS; a chat prompt keeps its control tokens."""
        return self._reader.read(self)[0]

    @property
    def target(self) -> str:
        """The decoded target, without the last token."""
        return self._reader.read(self)[1]

    @property
    def text(self) -> str:
        """`prompt + target`."""
        return "".join(self._reader.read(self))

    @property
    def tokens(self) -> tuple[str, ...]:
        """Each of `input_ids` as the vocabulary writes it."""
        return self._reader.read_tokens(self)

    def _repr_html_(self) -> str | None:
        """The row in a notebook. None, so that its `repr` is shown, where there is no reader."""
        return None if self.reader is None else self.reader.to_html(self)

    @property
    def _reader(self) -> RowReader:
        if self.reader is None:
            raise SftdataError(
                f"The row '{self.row_id}' doesn't know the tokenizer of its dataset: it was made "
                "by hand, or sent here from another process.",
                "Take it from sftdata.load(DATASET)[SPLIT] in this process.",
                code="E706",
            )
        return self.reader


@dataclass(frozen=True, slots=True)
class Batch:
    """Several rows in flat arrays. Row i holds `input_ids[offsets[i]:offsets[i + 1]]`."""

    row_id: list[str]
    template: list[str]
    input_ids: npt.NDArray[np.int32]  # [tokens of all rows]
    label_mask: npt.NDArray[np.bool_]
    offsets: npt.NDArray[np.int64]  # [rows + 1]
    target_start: npt.NDArray[np.int32]  # [rows], from each row's own start

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """int32[tokens of all rows]: `input_ids` where the mask is true, else -100."""
        return make_labels(self.input_ids, self.label_mask)


def make_labels(
    input_ids: npt.NDArray[np.int32], label_mask: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int32]:
    """`input_ids` where `label_mask` is true, else -100."""
    return np.where(label_mask, input_ids, np.int32(IGNORED))
