"""Tokenize: prompt and target text in; ids, label mask and target start out.

`input_ids = [bos?] + encode(prompt) + encode_continuation(target) + [eos]`. The prompt is encoded
alone, because alone is how the model will read it at inference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import flags, numbers, texts, to_flags, to_numbers
from sftdata.tokenizing.engines import Encoded, Engine, GigatokenEngine, ReferenceEngine
from sftdata.tokenizing.exactness import EngineChoice, FindFault, choose_engine, load_reference
from sftdata.tokenizing.plain_text import PlainTokenizer
from sftdata.tokenizing.tokenizer import Tokenizer

FAST, REFERENCE = "gigatoken", "tokenizers"


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """The tokens of a batch of examples, flat. Row i has `input_ids[offsets[i]:offsets[i + 1]]`."""

    input_ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int32]
    label_mask: npt.NDArray[np.bool_]  # true where the token counts in the loss, unshifted
    target_start: npt.NDArray[np.int32]  # in tokens, from the row's start

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> TokenBatch:
        """The tokens in the columns of a shard's record batch."""
        ids = batch.column("input_ids")
        offsets = to_numbers(ids.offsets)
        return cls(
            input_ids=to_numbers(ids.flatten()),
            offsets=offsets - offsets[0],
            label_mask=to_flags(batch.column("label_mask").flatten()),
            target_start=to_numbers(batch.column("target_start")),
        )

    def columns(self) -> dict[str, pa.Array]:
        """Columns of a shard, in their order."""
        offsets = numbers(self.offsets)
        return {
            "input_ids": pa.ListArray.from_arrays(offsets, numbers(self.input_ids)),
            "label_mask": pa.ListArray.from_arrays(offsets, flags(self.label_mask)),
            "target_start": numbers(self.target_start),
        }

    def take(self, rows: npt.NDArray[np.int64]) -> TokenBatch:
        """Row i of the result is row `rows[i]` of this."""
        ids = Encoded(self.input_ids, self.offsets.astype(np.int64)).take(rows)
        offsets, data = pa.py_buffer(self.offsets), pa.py_buffer(self.label_mask)
        masks = pa.BinaryArray.from_buffers(
            pa.binary(), len(self.target_start), [None, offsets, data]
        )
        return TokenBatch(
            input_ids=ids.ids,
            offsets=ids.offsets.astype(np.int32),
            label_mask=np.frombuffer(masks.take(numbers(rows)).buffers()[2] or b"", np.bool_),
            target_start=self.target_start[rows],
        )

    @classmethod
    def concatenate(cls, batches: Sequence[TokenBatch]) -> TokenBatch:
        """The rows of all batches, of which there is at least one, one after another."""
        lengths = np.concatenate([np.diff(batch.offsets) for batch in batches])
        return cls(
            input_ids=np.concatenate([batch.input_ids for batch in batches]),
            offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int32),
            label_mask=np.concatenate([batch.label_mask for batch in batches]),
            target_start=np.concatenate([batch.target_start for batch in batches]),
        )


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
        self._named: dict[tuple[str, ...], Encoded] = {}
        self._gaps = not is_text[self._first_text : self._last_text + 1].all()

    @property
    def engine(self) -> str:
        """Name of the engine in use."""
        return self._prompt_engine.name

    def encode_prompts(self, prompts: pa.LargeStringArray) -> Encoded:
        """Ids of each prompt, without BOS."""
        return self._prompt_engine.encode(prompts)

    def encode_targets(self, targets: pa.LargeStringArray) -> Encoded:
        """Ids of each target as the continuation of a prompt, without EOS."""
        return self._target_engine.encode(targets)

    def encode_named(self, name: tuple[str, ...], prompts: pa.LargeStringArray) -> Encoded:
        """Ids of prompts that come again and again; they are encoded once for each name."""
        if name not in self._named:
            self._named[name] = self.encode_prompts(prompts)
        return self._named[name]

    def encode_constant(self, text: str, *, continues: bool) -> tuple[int, ...]:
        """Ids of a text that every row has."""
        if continues:
            return tuple(self.encode_targets(texts([text])).ids.tolist())
        return tuple(self.encode_named(("", text), texts([text])).ids.tolist())

    def find_unsafe(self, encoded: Encoded) -> npt.NDArray[np.int64]:
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


Report = Callable[[str], None]  # gets lines a person should see
ChooseEngine = Callable[[PlainTokenizer, Report], EngineChoice]


def choose_encoder(
    tokenizer: Tokenizer, report: Report, choose_engine: ChooseEngine = choose_engine
) -> EncoderChoice:
    """An encoder on the fast engine if that passes its checks, else on the reference."""
    prompt = choose_engine(tokenizer.plain, report)
    if tokenizer.continuation is tokenizer.plain:
        return EncoderChoice(Encoder(tokenizer, prompt.engine, prompt.engine), prompt.find_fault)
    if prompt.engine.name == REFERENCE:
        return EncoderChoice(load_encoder(tokenizer, REFERENCE), lambda sample: None)
    target = choose_engine(tokenizer.continuation, report)
    return EncoderChoice(
        Encoder(tokenizer, prompt.engine, target.engine),
        lambda sample: prompt.find_fault(sample) or target.find_fault(sample),
    )


class Engines:
    """The engines of tokenizers, each loaded once however many data sets are built with them."""

    def __init__(self) -> None:
        self._chosen: dict[PlainTokenizer, EngineChoice] = {}
        self._references: dict[PlainTokenizer, Engine] = {}

    def choose_encoder(self, tokenizer: Tokenizer, report: Report) -> EncoderChoice:
        """An encoder of its own for each call (see `choose_encoder`), on engines that all share."""
        return choose_encoder(tokenizer, report, self._choose_engine)

    def reference_encoder(self, tokenizer: Tokenizer) -> Encoder:
        """An encoder on the reference: slow, loaded sooner than any, and in need of no check."""
        prompt, target = (self._reference(p) for p in (tokenizer.plain, tokenizer.continuation))
        return Encoder(tokenizer, prompt, target)

    def _choose_engine(self, plain: PlainTokenizer, report: Report) -> EngineChoice:
        if plain not in self._chosen:
            self._chosen[plain] = choose_engine(plain, report, self._reference(plain))
        return self._chosen[plain]

    def _reference(self, plain: PlainTokenizer) -> Engine:
        if plain not in self._references:
            self._references[plain] = load_reference(plain)
        return self._references[plain]


def load_encoder(tokenizer: Tokenizer, engine: str) -> Encoder:
    """An encoder on the named engine, which the caller has chosen or must use."""
    make: Callable[[PlainTokenizer], Engine] = (
        GigatokenEngine if engine == FAST else ReferenceEngine
    )
    prompt_engine = make(tokenizer.plain)
    if tokenizer.continuation is tokenizer.plain:
        return Encoder(tokenizer, prompt_engine, prompt_engine)
    return Encoder(tokenizer, prompt_engine, make(tokenizer.continuation))


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of every example of a batch."""

    ids: Encoded | tuple[int, ...]  # of each row, or the same in all rows
    in_loss: bool


def join_parts(parts: Sequence[Part], rows: int) -> TokenBatch:
    """The parts of each row one after another. At least one part has ids for each row."""
    # Four bytes an id: joining ids is joining byte strings, which native code does fast.
    columns = [p.ids.as_bytes() if isinstance(p.ids, Encoded) else _scalar(p.ids) for p in parts]
    joined = pc.binary_join_element_wise(*columns, _NOTHING)
    ids = np.frombuffer(joined.buffers()[2] or b"", np.int32)
    lengths = np.empty((rows, len(parts)), np.int64)
    for at, part in enumerate(parts):
        lengths[:, at] = part.ids.lengths if isinstance(part.ids, Encoded) else len(part.ids)
    first = next(at for at, part in enumerate(parts) if part.in_loss)
    in_loss = np.tile(np.array([part.in_loss for part in parts]), rows)
    return TokenBatch(
        input_ids=ids,
        offsets=np.concatenate(([0], np.cumsum(lengths.sum(axis=1)))).astype(np.int32),
        label_mask=np.repeat(in_loss, lengths.ravel()),
        target_start=lengths[:, :first].sum(axis=1).astype(np.int32),
    )


def whole_text_equal(
    first: Encoded | tuple[int, ...], second: Encoded | tuple[int, ...], whole: Encoded
) -> npt.NDArray[np.bool_]:
    """For each row, whether the ids of `first` and then `second` are those of `whole`."""
    columns = [
        ids.as_bytes() if isinstance(ids, Encoded) else _scalar(ids) for ids in (first, second)
    ]
    joined = pc.binary_join_element_wise(*columns, _NOTHING)
    return to_flags(pc.equal(joined, whole.as_bytes()))


def _scalar(ids: Sequence[int]) -> pa.Scalar:
    one = Encoded(np.array(ids, np.int32), np.array([0, len(ids)]))
    return one.as_bytes()[0]


_NOTHING = Encoded(np.empty(0, np.int32), np.array([0, 0])).as_bytes()[0]
