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
    """Decodes the examples of a dataset with the tokenizer it was built with."""

    data: Dataset

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The dataset's tokenizer. Raises `TokenizerError` when it is missing or was changed."""
        return load_recorded_tokenizer(self.data.manifest["tokenizer"])

    def read(self, example: Example) -> tuple[str, str]:
        """Prompt and target of an example, without BOS and without the last token."""
        ids = example.input_ids.tolist()
        first, start = self.text_start(example), example.target_start
        # Some decoders strip the first space of a text: decode the target behind its prompt.
        prompt = self.decode(ids[first:start])
        whole = self.decode(ids[first:-1])
        if whole.startswith(prompt):
            return prompt, whole[len(prompt) :]
        return prompt, self.decode(ids[start:-1])

    def text_start(self, example: Example) -> int:
        """Index of the first token of the text: 1 after the BOS of a plain prompt, else 0."""
        is_chat = bool(self.data.manifest.content.get("chat"))
        return int(not is_chat and int(example.input_ids[0]) == self.tokenizer.bos_id)

    def decode(self, ids: Sequence[int], *, show_control: bool = True) -> str:
        """The text of these ids, with or without control tokens."""
        return str(self.tokenizer.decoder.decode(list(ids), skip_special_tokens=not show_control))
