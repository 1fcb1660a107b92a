"""Inspect: an example as a reader sees it, with its tokens, its mask and its text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sftdata.errors import SftdataError
from sftdata.inspecting.rows.cuts import Cut, CutFinder
from sftdata.inspecting.rows.tokens import Token, Vocabulary
from sftdata.loading.dataset import DataSet, Example
from sftdata.tokenizing.tokenizer import Tokenizer, load_tokenizer


@dataclass(frozen=True)
class Inspected:
    """An example with what its ids say. Its text is `prompt + target`."""

    split: str
    task: str
    example: Example
    tokens: tuple[Token, ...]
    prompt: str  # decoded, without BOS; that of a chat with its control tokens
    target: str  # decoded, without the last token
    cut: Cut | None

    @property
    def text(self) -> str:
        """The decoded text that the places of the tokens count in."""
        return self.prompt + self.target

    def to_json(self) -> dict[str, Any]:
        """The object `inspect --json` prints."""
        return {
            "row_id": self.example.row_id,
            "split": self.split,
            "template": self.example.template,
            "prompt": self.prompt,
            "target": self.target,
            "input_ids": self.example.input_ids.tolist(),
            "label_mask": self.example.label_mask.tolist(),
            "target_start": self.example.target_start,
            "tokens": [token.piece for token in self.tokens],
            "offsets": [[token.start, token.end] for token in self.tokens],
            "task": self.task,
            "cut": None if self.cut is None else self.cut.detail,
        }


@dataclass(frozen=True)
class Inspector:
    """Shows rows of a data set. Needs the tokenizer it was built with."""

    data: DataSet

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The data set's tokenizer. Raises `SftdataError` when it is gone or another one."""
        recorded = self.data.manifest["tokenizer"]
        tokenizer = load_tokenizer(recorded["name"])
        if tokenizer.sha256 != recorded["sha256"]:
            raise SftdataError(
                f"The tokenizer '{recorded['name']}' is not the one the data set was built with "
                f"(sha256 {tokenizer.sha256[:12]}…, recorded {recorded['sha256'][:12]}…).",
                "Put the recorded tokenizer back, or build the data set again.",
            )
        return tokenizer

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(self.tokenizer)

    @cached_property
    def _cuts(self) -> CutFinder:
        return CutFinder(self.data.manifest)

    def read_text(self, example: Example) -> tuple[str, str]:
        """Prompt and target of an example, decoded."""
        ids = example.input_ids.tolist()
        first, start = self._before(example), example.target_start
        # A target alone would lose its first space with some decoders; its prompt keeps it.
        prompt = self._vocabulary.decode(ids[first:start])
        whole = self._vocabulary.decode(ids[first:-1])
        if whole.startswith(prompt):
            return prompt, whole[len(prompt) :]
        return prompt, self._vocabulary.decode(ids[start:-1])

    def inspect(self, split: str, example: Example) -> Inspected:
        """The example with its tokens and its decoded text."""
        prompt, target = self.read_text(example)
        tokens = self._vocabulary.tokens(
            example.input_ids.tolist(),
            example.label_mask.tolist(),
            prompt + target,
            around=(self._before(example), 1),
        )
        task = example.task or str(self.data.manifest["task"])
        cut = self._cuts.find(example.row_id, task, example.template, prompt)
        return Inspected(split, task, example, tokens, prompt, target, cut)

    def _before(self, example: Example) -> int:
        """How many tokens stand before the text: the BOS of a plain example."""
        is_chat = bool(self.data.manifest.content.get("chat"))
        return int(not is_chat and int(example.input_ids[0]) == self.tokenizer.bos_id)
