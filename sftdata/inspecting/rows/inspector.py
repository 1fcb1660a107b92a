"""Inspect a row: its text, its tokens, its mask, and where it was cut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sftdata.inspecting.rows.cut_places import CutFinder, RowCut
from sftdata.inspecting.rows.tokens import Token, TokenReader
from sftdata.inspecting.rows.turns import ShownTurn, find_turns, recorded_marks
from sftdata.loading.dataset import Dataset, Example
from sftdata.loading.text import TextReader
from sftdata.tokenizing.chat.turn_marks import TurnMarks
from sftdata.tokenizing.tokenizer import Tokenizer


@dataclass(frozen=True)
class InspectedRow:
    """An example with its decoded tokens. Its text is `prompt + target`."""

    split: str
    task: str
    example: Example
    tokens: tuple[Token, ...]
    prompt: str  # decoded, without BOS; a chat prompt keeps its control tokens
    target: str  # decoded, without the last token
    cut: RowCut | None
    turns: tuple[ShownTurn, ...] = ()

    @property
    def text(self) -> str:
        """The decoded text; the places of tokens are characters of it."""
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
            "turns": [turn.to_json() for turn in self.turns],
        }


@dataclass(frozen=True)
class Inspector:
    """Inspects rows of a dataset with the tokenizer it was built with."""

    data: Dataset

    @cached_property
    def texts(self) -> TextReader:
        """Decodes prompt and target."""
        return TextReader(self.data)

    @property
    def tokenizer(self) -> Tokenizer:
        """The dataset's tokenizer. Raises `TokenizerError` when it is gone or another one."""
        return self.texts.tokenizer

    @cached_property
    def _tokens(self) -> TokenReader:
        return TokenReader(self.tokenizer)

    @cached_property
    def _cuts(self) -> CutFinder:
        return CutFinder(self.data.manifest)

    @cached_property
    def _marks(self) -> TurnMarks | None:
        return recorded_marks(self.tokenizer, self.data.manifest.content.get("chat"))

    def inspect(self, split: str, example: Example) -> InspectedRow:
        """The example with its tokens and its decoded text."""
        prompt, target = self.texts.read(example)
        tokens = self._tokens.read(
            example.input_ids.tolist(),
            example.label_mask.tolist(),
            prompt + target,
            around=(self.texts.text_start(example), 1),
        )
        task = example.task or str(self.data.manifest["task"])
        cut = self._cuts.find(example.row_id, task, example.template, prompt)
        turns = tuple(find_turns(tokens, prompt + target, self._marks))
        return InspectedRow(split, task, example, tokens, prompt, target, cut, turns)
