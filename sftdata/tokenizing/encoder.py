"""Tokenize: prompt and target text in; ids, label mask and target start out.

`input_ids = [bos?] + encode(prompt) + encode_continuation(target) + [eos]`. The prompt is encoded
alone, because alone is how the model will read it at inference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import texts
from sftdata.base.reporting import Report
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.engines import Engine, GigatokenEngine, ReferenceEngine
from sftdata.tokenizing.exactness import EngineChoice, FindFault, choose_engine
from sftdata.tokenizing.plain_text import PlainTokenizer
from sftdata.tokenizing.tokenizer import Tokenizer

FAST, REFERENCE = "gigatoken", "tokenizers"


class Encoder:
    """A tokenizer with the engines chosen for it: one for prompts, one for continuations."""

    def __init__(self, tokenizer: Tokenizer, prompt_engine: Engine, target_engine: Engine) -> None:
        self.tokenizer = tokenizer
        self._prompt_engine = prompt_engine
        self._target_engine = target_engine
        is_text = np.ones(tokenizer.vocab_size, np.bool_)
        is_text[list(tokenizer.control_tokens.values())] = False
        self._is_text = is_text
        # Control tokens usually stand at the ends of a vocabulary: two comparisons clear a batch.
        self._first_text, self._last_text = np.flatnonzero(is_text)[[0, -1]]
        self._named: dict[tuple[str, ...], EncodedTexts] = {}
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

    def encode_cached(self, name: tuple[str, ...], prompts: pa.LargeStringArray) -> EncodedTexts:
        """Ids of prompts that come again and again; they are encoded once for each name."""
        if name not in self._named:
            self._named[name] = self.encode_prompts(prompts)
        return self._named[name]

    def encode_constant(self, text: str, *, continues: bool) -> tuple[int, ...]:
        """Ids of a text that every row has."""
        if continues:
            return tuple(self.encode_targets(texts([text])).ids.tolist())
        return tuple(self.encode_cached(("", text), texts([text])).ids.tolist())

    def find_unsafe(self, encoded: EncodedTexts) -> npt.NDArray[np.int64]:
        """Rows with an id that is not text: a control token, or a byte the vocabulary lacks.

        The plain tokenizer yields neither for any text of the vocabularies known to us; this is
        the check by id that does not trust it.
        """
        ids = encoded.ids
        if not len(ids):
            return np.empty(0, np.int64)
        inside = self._first_text <= ids.min() and ids.max() <= self._last_text
        if inside and not self._gaps:
            return np.empty(0, np.int64)
        is_text = self._is_text[np.minimum(ids, self.tokenizer.vocab_size - 1)]
        at = np.flatnonzero(~is_text | (ids >= self.tokenizer.vocab_size))
        return np.unique(np.searchsorted(encoded.offsets, at, side="right") - 1)


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder, and the check of its engines on the rows at hand (see `EngineChoice`)."""

    encoder: Encoder
    find_fault: FindFault


ChooseEngine = Callable[[PlainTokenizer, Report], EngineChoice]


def choose_encoder(
    tokenizer: Tokenizer, report: Report, choose_engine: ChooseEngine = choose_engine
) -> EncoderChoice:
    """An encoder on the fast engine if that passes its checks, else on the reference."""
    prompt = choose_engine(tokenizer.plain_text, report)
    if tokenizer.continuation is tokenizer.plain_text:
        return EncoderChoice(Encoder(tokenizer, prompt.engine, prompt.engine), prompt.find_fault)
    if prompt.engine.name == REFERENCE:
        return EncoderChoice(load_encoder(tokenizer, REFERENCE), lambda sample: None)
    target = choose_engine(tokenizer.continuation, report)
    return EncoderChoice(
        Encoder(tokenizer, prompt.engine, target.engine),
        lambda sample: prompt.find_fault(sample) or target.find_fault(sample),
    )


class EngineCache:
    """The engines of tokenizers, each loaded once however many datasets are built with them."""

    def __init__(self) -> None:
        self._chosen: dict[PlainTokenizer, EngineChoice] = {}
        self._references: dict[PlainTokenizer, Engine] = {}

    def choose_encoder(self, tokenizer: Tokenizer, report: Report) -> EncoderChoice:
        """An encoder of its own for each call (see `choose_encoder`), on engines that all share."""
        return choose_encoder(tokenizer, report, self._choose_engine)

    def reference_encoder(self, tokenizer: Tokenizer) -> Encoder:
        """An encoder on the reference: slow, loaded sooner than any, and in need of no check."""
        prompt, target = tokenizer.plain_text, tokenizer.continuation
        return Encoder(tokenizer, self._reference(prompt), self._reference(target))

    def _choose_engine(self, plain: PlainTokenizer, report: Report) -> EngineChoice:
        if plain not in self._chosen:
            self._chosen[plain] = choose_engine(plain, report, self._reference)
        return self._chosen[plain]

    def _reference(self, plain: PlainTokenizer) -> Engine:
        if plain not in self._references:
            self._references[plain] = ReferenceEngine(plain)
        return self._references[plain]


def load_encoder(tokenizer: Tokenizer, engine: str) -> Encoder:
    """An encoder on the named engine, which the caller has chosen or must use."""
    make: Callable[[PlainTokenizer], Engine] = (
        GigatokenEngine if engine == FAST else ReferenceEngine
    )
    prompt_engine = make(tokenizer.plain_text)
    if tokenizer.continuation is tokenizer.plain_text:
        return Encoder(tokenizer, prompt_engine, prompt_engine)
    return Encoder(tokenizer, prompt_engine, make(tokenizer.continuation))
