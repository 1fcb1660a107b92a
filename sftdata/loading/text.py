"""The text of examples: prompts and targets decoded from their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sftdata.loading.dataset import Dataset, Example
from sftdata.tokenizing.recorded import load_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer


@dataclass(frozen=True)
class TextReader:
    """Decodes examples of a dataset with the tokenizer it was built with."""

    data: Dataset

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The dataset's tokenizer. Raises `SftdataError` when it is gone or another one."""
        return load_recorded_tokenizer(self.data.manifest["tokenizer"])

    def read(self, example: Example) -> tuple[str, str]:
        """Prompt and target of an example; without BOS and the last token."""
        ids = example.input_ids.tolist()
        first, start = self.text_start(example), example.target_start
        # A target alone would lose its first space with some decoders; its prompt keeps it.
        prompt = self._decode(ids[first:start])
        whole = self._decode(ids[first:-1])
        if whole.startswith(prompt):
            return prompt, whole[len(prompt) :]
        return prompt, self._decode(ids[start:-1])

    def text_start(self, example: Example) -> int:
        """Index of the first token of the text: 1 where BOS stands before a plain prompt."""
        is_chat = bool(self.data.manifest.content.get("chat"))
        return int(not is_chat and int(example.input_ids[0]) == self.tokenizer.bos_id)

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decoder.decode(list(ids), skip_special_tokens=False))
