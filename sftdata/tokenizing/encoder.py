"""Encode the prompts and targets of one tokenizer as plain text.

The prompt is encoded alone, as the model will read it at inference; the target is encoded as the
continuation of a prompt.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import texts
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.engines import Engine, GigatokenEngine, ReferenceEngine
from sftdata.tokenizing.plain_text import PlainTokenizer
from sftdata.tokenizing.tokenizer import Tokenizer

FAST, REFERENCE = "gigatoken", "tokenizers"


class Encoder:
    """A tokenizer with its engines: one for prompts and one for continuations."""

    def __init__(self, tokenizer: Tokenizer, prompt_engine: Engine, target_engine: Engine) -> None:
        self.tokenizer = tokenizer
        self._prompt_engine = prompt_engine
        self._target_engine = target_engine
        is_text = np.ones(tokenizer.vocab_size, np.bool_)
        is_text[list(tokenizer.control_ids)] = False
        self._is_text = is_text
        # Control tokens usually stand at the ends of a vocabulary: then two comparisons are enough.
        self._first_text, self._last_text = np.flatnonzero(is_text)[[0, -1]]
        self._cached: dict[tuple[bool, tuple[str, ...]], EncodedTexts] = {}
        self._gaps = not is_text[self._first_text : self._last_text + 1].all()

    @property
    def engine(self) -> str:
        """Name of the engine in use."""
        return self._prompt_engine.name

    def encode_prompts(self, prompts: pa.LargeStringArray) -> EncodedTexts:
        """Ids of each prompt, without BOS."""
        return self._prompt_engine.encode(prompts)

    def encode_targets(self, targets: pa.LargeStringArray) -> EncodedTexts:
        """Ids of each target as the continuation of a prompt, without EOS."""
        return self._target_engine.encode(targets)

    def encode_cached(
        self, name: tuple[str, ...], column: pa.LargeStringArray, *, continues: bool = False
    ) -> EncodedTexts:
        """Ids of texts that are needed again: encoded once for each `name`."""
        key = (continues, name)
        if key not in self._cached:
            self._cached[key] = (self.encode_targets if continues else self.encode_prompts)(column)
        return self._cached[key]

    def encode_constant(self, text: str, *, continues: bool) -> tuple[int, ...]:
        """Ids of a text that is the same in every row."""
        if continues:
            return tuple(self.encode_targets(texts([text])).ids.tolist())
        return tuple(self.encode_cached(("", text), texts([text])).ids.tolist())

    def find_unsafe(self, encoded: EncodedTexts) -> npt.NDArray[np.int64]:
        """Rows with an id that is not text: a control token, or a stand-in for a missing byte.

        A plain tokenizer should give no control token for any text. This checks the ids of every
        row all the same.
        """
        ids = encoded.ids
        if not len(ids):
            return _NO_ROWS
        inside = self._first_text <= ids.min() and ids.max() <= self._last_text
        if inside and not self._gaps:
            return _NO_ROWS
        is_text = self._is_text[np.minimum(ids, self.tokenizer.vocab_size - 1)]
        at = np.flatnonzero(~is_text | (ids >= self.tokenizer.vocab_size))
        return _rows_of(at, encoded)

    def find_unknown(self, encoded: EncodedTexts) -> npt.NDArray[np.int64]:
        """Rows with the token that the model gives for a character it lacks."""
        if self.tokenizer.unk_id is None:
            return _NO_ROWS
        return _rows_of(np.flatnonzero(encoded.ids == self.tokenizer.unk_id), encoded)


_NO_ROWS = np.empty(0, np.int64)


def _rows_of(at: npt.NDArray[np.int64], encoded: EncodedTexts) -> npt.NDArray[np.int64]:
    return np.unique(np.searchsorted(encoded.offsets, at, side="right") - 1)


def load_encoder(tokenizer: Tokenizer, engine: str) -> Encoder:
    """An encoder on the named engine, without any check of it."""
    load: Callable[[PlainTokenizer], Engine] = (
        GigatokenEngine if engine == FAST else ReferenceEngine
    )
    prompt_engine = load(tokenizer.plain_text)
    if tokenizer.continuation is tokenizer.plain_text:
        return Encoder(tokenizer, prompt_engine, prompt_engine)
    return Encoder(tokenizer, prompt_engine, load(tokenizer.continuation))
