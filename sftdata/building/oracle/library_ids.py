"""Ids as the `tokenizers` library gives them to a server: the whole file, control tokens parsed.

Only the ids of text that holds nothing like a control token can be compared: where data reads like
one, the library takes it for one, and a dataset has it as plain text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import orjson
import tokenizers

from sftdata.base.arrow import texts
from sftdata.examples.tokens import TokenBatch
from sftdata.tokenizing.encoder import Encoder
from sftdata.tokenizing.probes import PROBES
from sftdata.tokenizing.structure import library_faults
from sftdata.tokenizing.tokenizer import Tokenizer

Ids = npt.NDArray[np.int32]
_HINT = "Put the recorded tokenizer back."


@dataclass(frozen=True, slots=True)
class ExampleText:
    """The text of an example: what stands before the loss, and the rest; and its tokens."""

    prompt: str
    rest: str
    tokens: TokenBatch  # one row
    first: int = 0  # ids before the text: BOS of a plain row
    last: int = 0  # ids after it: its EOS

    @property
    def ids(self) -> Ids:
        """The ids of the whole text."""
        return self.tokens.input_ids[self.first : len(self.tokens.input_ids) - self.last]

    @property
    def prompt_ids(self) -> Ids:
        """The ids of the prompt."""
        return self.tokens.input_ids[self.first : int(self.tokens.target_start[0])]


@dataclass
class LibraryIds:
    """Compares the ids of examples with those that the library gives for their text."""

    tokenizer: Tokenizer
    compared: int = field(init=False, default=0)
    control_like: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        spec = {**self.tokenizer.spec, "truncation": None, "padding": None}
        if spec["model"].get("dropout"):
            spec["model"] = {**spec["model"], "dropout": None}
        with library_faults("The tokenizers library cannot load the tokenizer", _HINT):
            self._library = tokenizers.Tokenizer.from_str(orjson.dumps(spec).decode())
        self._control = np.array(sorted(self.tokenizer.control_ids), np.int32)

    def compare(self, examples: Sequence[ExampleText]) -> tuple[list[int], list[bool | None]]:
        """The examples whose prompts have other ids; and whether each whole text has its own ids.

        None: it reads like a control token, so it can't be compared.
        """
        prompts = self._encode([example.prompt for example in examples])
        wholes = self._encode([example.prompt + example.rest for example in examples])
        wrong: list[int] = []
        equal: list[bool | None] = []
        for at, (example, prompt, whole) in enumerate(zip(examples, prompts, wholes, strict=True)):
            if self._count(whole) != self._count(example.ids):
                self.control_like += 1
                equal.append(None)
                continue
            self.compared += 1
            if not np.array_equal(prompt, example.prompt_ids):
                wrong.append(at)
            equal.append(np.array_equal(whole, example.ids))
        return wrong, equal

    def find_other_probes(self, encoder: Encoder) -> Iterator[str]:
        """A line for each probe text that `encoder` encodes otherwise, or to a control token."""
        for probe, whole in zip(PROBES, self._encode(list(PROBES)), strict=True):
            own = encoder.encode_prompts(texts([probe])).ids
            is_alike = self._count(whole) > 0
            if self._count(own) or not (is_alike or np.array_equal(own, whole)):
                yield f"the tokenizer gives the probe text {probe[:40]!r} other ids"

    def _encode(self, column: list[str]) -> list[Ids]:
        with library_faults("The tokenizers library cannot encode a text", _HINT):
            encoded = self._library.encode_batch_fast(column, add_special_tokens=False)
        return [np.array(encoding.ids, np.int32) for encoding in encoded]

    def _count(self, ids: Ids) -> int:
        return int(np.isin(ids, self._control).sum())
