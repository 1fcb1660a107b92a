"""The text of examples: prompts and targets decoded from their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import texts
from sftdata.loading.dataset import Dataset, Example
from sftdata.loading.example import Batch
from sftdata.tokenizing.decoder import Decoder
from sftdata.tokenizing.recorded import load_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer

Texts = tuple[pa.LargeStringArray, pa.LargeStringArray]  # prompts, and what follows each of them
_Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TextReader:
    """Decodes the examples of a dataset with the tokenizer it was built with."""

    data: Dataset

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The dataset's tokenizer. Raises `TokenizerError` when it is missing or was changed."""
        return load_recorded_tokenizer(self.data.manifest["tokenizer"])

    def read(self, example: Example) -> tuple[str, str]:
        """Prompt and target of an example, without BOS and without the last token."""
        first = self.text_start(example)
        return self._read(example.input_ids[first:-1].tolist(), example.target_start - first)

    def read_batch(self, batch: Batch) -> Texts:
        """`read` of each row, a column at a time."""
        starts = batch.offsets[:-1] + batch.target_start
        return self._read_columns(batch, self._text_starts(batch), starts, batch.offsets[1:] - 1)

    def read_answers(self, batch: Batch) -> Texts:
        """Prompt and target of each stretch in the loss, such as the answers of conversations.

        The prompt is all of the row that stands before it. Without BOS and without the stretch's
        last token.
        """
        starts, ends = find_stretches(batch)
        rows = np.searchsorted(batch.offsets, starts, side="right") - 1
        return self._read_columns(batch, self._text_starts(batch)[rows], starts, ends - 1)

    def _read_columns(self, batch: Batch, firsts: _Places, starts: _Places, ends: _Places) -> Texts:
        """The texts from `firsts` to before `starts`, and from there to before `ends`."""
        if not self._decoder.has_table:
            pairs = [
                self._read(batch.input_ids[first:end].tolist(), start - first)
                for first, start, end in zip(firsts, starts, ends, strict=True)
            ]
            prompts, targets = zip(*pairs, strict=True) if pairs else ((), ())
            return texts(list(prompts)), texts(list(targets))
        prompts = self._decoder.decode(*_gather(batch.input_ids, firsts, starts))
        return prompts, self._decoder.decode(
            *_gather(batch.input_ids, starts, ends), continues=True
        )

    @cached_property
    def _decoder(self) -> Decoder:
        return Decoder(self.tokenizer)

    def _read(self, ids: Sequence[int], start: int) -> tuple[str, str]:
        # Some decoders strip the first space of a text: decode the target behind its prompt.
        prompt, whole = self.decode(ids[:start]), self.decode(ids)
        if whole.startswith(prompt):
            return prompt, whole[len(prompt) :]
        return prompt, self.decode(ids[start:])

    def text_start(self, example: Example) -> int:
        """Index of the first token of the text: 1 after the BOS of a plain prompt, else 0."""
        return int(not self._is_chat and int(example.input_ids[0]) == self.tokenizer.bos_id)

    def _text_starts(self, batch: Batch) -> _Places:
        """int64[rows]: `text_start` of each row, as a place in the batch's tokens."""
        starts: _Places = batch.offsets[:-1]
        if self._is_chat or self.tokenizer.bos_id is None or not len(starts):
            return starts
        after_bos: _Places = starts + (batch.input_ids[starts] == self.tokenizer.bos_id)
        return after_bos

    @property
    def _is_chat(self) -> bool:
        return bool(self.data.manifest.content.get("chat"))

    def decode(self, ids: Sequence[int], *, show_control: bool = True) -> str:
        """The text of these ids, with or without control tokens."""
        return str(self.tokenizer.decoder.decode(list(ids), skip_special_tokens=not show_control))


def find_stretches(batch: Batch) -> tuple[_Places, _Places]:
    """Where each stretch in the loss starts and ends, as places in the tokens of the batch."""
    before = np.concatenate(([False], batch.label_mask))
    after = np.concatenate((batch.label_mask, [False]))
    is_bound = np.zeros(len(before), np.bool_)
    is_bound[batch.offsets] = True  # a stretch ends with its row
    return np.flatnonzero(after & (~before | is_bound)), np.flatnonzero(
        before & (~after | is_bound)
    )


def _gather(
    ids: npt.NDArray[np.int32], starts: _Places, ends: _Places
) -> tuple[npt.NDArray[np.int32], _Places]:
    """The ids of each stretch one after another, and where each of them begins."""
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(ends - starts)))
    return ids[np.repeat(starts - offsets[:-1], ends - starts) + np.arange(offsets[-1])], offsets
