"""Choose the engines of tokenizers, and load each of them once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from sftdata.base.reporting import Report
from sftdata.tokenizing.encoder import Encoder
from sftdata.tokenizing.engines import ReferenceEngine
from sftdata.tokenizing.exactness import EngineChoice, choose_engine
from sftdata.tokenizing.plain_text import PlainTokenizer
from sftdata.tokenizing.tokenizer import Tokenizer


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder, and the engines' check on sample texts that remains to be run."""

    encoder: Encoder
    choices: tuple[EngineChoice, ...]  # no choice where an engine needs no check

    def find_fault(self, sample: pa.LargeStringArray) -> str | None:
        """A text that an engine encodes differently from the reference, or None."""
        faults = (choice.find_fault(sample) for choice in self.choices)
        return next((fault for fault in faults if fault is not None), None)


class EngineCache:
    """The engines of tokenizers, each loaded once for all datasets that are built with them."""

    def __init__(self) -> None:
        self._choices: dict[PlainTokenizer, EngineChoice] = {}
        # A choice keeps this function. A bound method would close a cycle with the cache, and keep
        # the engines in memory until the garbage collector runs.
        self._load_reference = cache(ReferenceEngine)

    def choose_encoder(self, tokenizer: Tokenizer, report: Report) -> EncoderChoice:
        """A new encoder: on the fast engine if it passes the vocabulary check, else the reference.

        Its engines are those of the cache.
        """
        prompt = self._choose_engine(tokenizer.plain_text, report)
        if tokenizer.continuation is tokenizer.plain_text:
            return EncoderChoice(Encoder(tokenizer, prompt.engine, prompt.engine), (prompt,))
        if isinstance(prompt.engine, ReferenceEngine):
            return self.reference_choice(tokenizer)
        target = self._choose_engine(tokenizer.continuation, report)
        return EncoderChoice(Encoder(tokenizer, prompt.engine, target.engine), (prompt, target))

    def reference_choice(self, tokenizer: Tokenizer) -> EncoderChoice:
        """An encoder on the reference: slow, but soonest loaded, and it needs no check."""
        prompt, target = tokenizer.plain_text, tokenizer.continuation
        return EncoderChoice(
            Encoder(tokenizer, self._load_reference(prompt), self._load_reference(target)), ()
        )

    def _choose_engine(self, plain: PlainTokenizer, report: Report) -> EngineChoice:
        if plain not in self._choices:
            self._choices[plain] = choose_engine(plain, report, self._load_reference)
        return self._choices[plain]
