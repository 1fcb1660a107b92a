"""The text of examples: prompts and targets decoded from their ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sftdata.loading.dataset import Dataset, Example
from sftdata.tokenizing.recorded import load_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer


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

    def read_answers(self, example: Example) -> Iterator[tuple[str, str]]:
        """Prompt and target of each stretch in the loss, such as the answers of a conversation.

        The prompt is all that stands before it. Without BOS and without the stretch's last token.
        """
        ids, first = example.input_ids.tolist(), self.text_start(example)
        edges = np.diff(example.label_mask.astype(np.int8), prepend=0, append=0)
        starts, ends = np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist()
        for start, end in zip(starts, ends, strict=True):
            yield self._read(ids[first : end - 1], start - first)

    def _read(self, ids: Sequence[int], start: int) -> tuple[str, str]:
        # Some decoders strip the first space of a text: decode the target behind its prompt.
        prompt, whole = self.decode(ids[:start]), self.decode(ids)
        if whole.startswith(prompt):
            return prompt, whole[len(prompt) :]
        return prompt, self.decode(ids[start:])

    def text_start(self, example: Example) -> int:
        """Index of the first token of the text: 1 after the BOS of a plain prompt, else 0."""
        is_chat = bool(self.data.manifest.content.get("chat"))
        return int(not is_chat and int(example.input_ids[0]) == self.tokenizer.bos_id)

    def decode(self, ids: Sequence[int], *, show_control: bool = True) -> str:
        """The text of these ids, with or without control tokens."""
        return str(self.tokenizer.decoder.decode(list(ids), skip_special_tokens=not show_control))
