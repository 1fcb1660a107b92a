"""Rows as the checks see them: a batch of a shard with its text, decoded once, when first asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import to_flags, to_numbers
from sftdata.base.schema import row_offsets
from sftdata.inspecting.rows.example import Inspector
from sftdata.loading.dataset import Dataset
from sftdata.tokenizing.decoder import Decoder
from sftdata.tokenizing.tokenizer import Tokenizer

_SAMPLE_ROWS = 256
_FEWEST_ROWS = 20  # of a template before its answers can be said to be quotes
_EXTRACTIVE = 0.9  # share of targets that are quotes from their prompts


@dataclass(frozen=True)
class Context:
    """What is the same for all rows of a dataset."""

    tokenizer: Tokenizer
    decoder: Decoder  # leaves control tokens out, so what it gives is content
    end_ids: tuple[int, ...]  # the last token of an example is one of these
    is_chat: bool
    max_length: int | None

    @cached_property
    def is_control(self) -> npt.NDArray[np.bool_]:
        """bool[vocab_size + 1]: which ids are control tokens; the last entry is for all others."""
        control = np.zeros(self.tokenizer.vocab_size + 1, np.bool_)
        control[[*self.tokenizer.control_tokens.values(), *self.end_ids]] = True
        return control


def make_context(data: Dataset) -> Context:
    """The context of a dataset. Raises `SftdataError` when its tokenizer is gone or another."""
    manifest = data.manifest
    tokenizer = Inspector(data).tokenizer
    chat = manifest.content.get("chat")
    ends = {manifest["tokenizer"]["eos_id"]} | ({chat["end_id"]} if chat else set())
    return Context(
        tokenizer=tokenizer,
        decoder=Decoder(tokenizer, show_control=False),
        end_ids=tuple(sorted(ends)),
        is_chat=bool(chat),
        max_length=manifest["options"].get("max_length"),
    )


@dataclass(frozen=True)
class Rows:
    """The rows of one batch of one split."""

    split: str
    batch: pa.RecordBatch
    context: Context
    templates: Mapping[str, TemplateFacts]

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    @cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """int64[rows + 1]: where each row starts in `ids`."""
        offsets = row_offsets(self.batch)
        return np.asarray(offsets - offsets[0])

    @cached_property
    def ids(self) -> npt.NDArray[np.int32]:
        """The tokens of all rows, flat."""
        return np.asarray(to_numbers(self.batch.column("input_ids").flatten()))

    @cached_property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Which of `ids` count in the loss."""
        return to_flags(self.batch.column("label_mask").flatten())

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """int64[rows]: where each target starts in `ids`."""
        return np.asarray(self.offsets[:-1] + to_numbers(self.batch.column("target_start")))

    @cached_property
    def before_target(self) -> npt.NDArray[np.bool_]:
        """Which of `ids` stand before their row's target."""
        parts = np.stack((self.starts - self.offsets[:-1], self.offsets[1:] - self.starts), axis=1)
        return np.repeat(np.tile(np.array([True, False]), len(self)), parts.ravel())

    @cached_property
    def ends_well(self) -> npt.NDArray[np.bool_]:
        """Whether the last token of each row is EOS or the end of a turn."""
        return np.isin(self.ids[self.offsets[1:] - 1], self.context.end_ids)

    @cached_property
    def answer_mask(self) -> npt.NDArray[np.bool_]:
        """Which of `ids` are the content of an answer: in the loss, and not a row's end token."""
        mask = self.mask.copy()
        mask[(self.offsets[1:] - 1)[self.ends_well]] = False
        return mask

    @cached_property
    def prompt(self) -> pa.LargeStringArray:
        """What stands before the target, without control tokens."""
        offsets = np.concatenate(([0], np.cumsum(self.starts - self.offsets[:-1])))
        return self.context.decoder.decode(self.ids[self.before_target], offsets)

    @cached_property
    def target(self) -> pa.LargeStringArray:
        """What is taught, without control tokens."""
        counts = np.concatenate(([0], np.cumsum(self.answer_mask)))
        ids = self.ids[self.answer_mask]
        return self.context.decoder.decode(ids, counts[self.offsets], continues=True)

    @cached_property
    def template_names(self) -> list[str]:
        """The template of each row."""
        column = self.batch.column("template")
        names = column.dictionary.to_pylist()
        return [names[code] for code in to_numbers(column.indices).tolist()]

    def pairs(self, chosen: npt.NDArray[np.bool_]) -> Iterable[tuple[int, str, str]]:
        """Place, prompt and target of the chosen rows, one by one."""
        for row in np.flatnonzero(chosen).tolist():
            yield row, self.prompt[row].as_py(), self.target[row].as_py()

    def where_template(self, has: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """bool[rows]: whether a true value is noted for the row's template."""
        if not any(has.values()):
            return np.zeros(len(self), np.bool_)
        return np.array([bool(has.get(name)) for name in self.template_names], np.bool_)


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """What a sample of its rows says about a template."""

    before: int | None  # bytes that all prompts begin with; None if there are too few to tell
    after: int  # bytes that all prompts end with
    is_extractive: bool  # answers are quotes from the prompt

    @property
    def fixed_bytes(self) -> int | None:
        """Bytes of a prompt that are the same in all of them."""
        return None if self.before is None else self.before + self.after


def learn_templates(data: Dataset, context: Context) -> dict[str, TemplateFacts]:
    """Facts about each template, from the first rows of each split."""
    samples: dict[str, list[tuple[str, str]]] = {}
    for name, split in data.items():
        for batch in split[:_SAMPLE_ROWS].to_arrow().to_batches():
            rows = Rows(name, batch, context, {})
            prompts, targets = rows.prompt.to_pylist(), rows.target.to_pylist()
            for template, *pair in zip(rows.template_names, prompts, targets, strict=True):
                samples.setdefault(template, []).append((pair[0], pair[1]))
    return {name: _facts(pairs) for name, pairs in samples.items()}


def _facts(pairs: list[tuple[str, str]]) -> TemplateFacts:
    quotes = sum(target in prompt for prompt, target in pairs)
    extractive = len(pairs) >= _FEWEST_ROWS and quotes >= _EXTRACTIVE * len(pairs)
    prompts = sorted({prompt.encode() for prompt, _ in pairs})
    if len(prompts) < 2:
        return TemplateFacts(None, 0, extractive)
    before = _common(prompts[0], prompts[-1])  # of sorted texts these two differ first
    backwards = sorted(prompt[::-1] for prompt in prompts)
    return TemplateFacts(before, _common(backwards[0], backwards[-1]), extractive)


def _common(a: bytes, b: bytes) -> int:
    """How many bytes two texts have in common at their start."""
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def matches(column: pa.LargeStringArray, pattern: str) -> npt.NDArray[np.bool_]:
    """bool[rows]: which texts the RE2 pattern is found in."""
    return to_flags(pc.match_substring_regex(column, pattern))


def text_bytes(column: pa.LargeStringArray) -> npt.NDArray[np.int64]:
    """int64[rows]: the length of each text in UTF-8."""
    return np.asarray(to_numbers(pc.binary_length(column)))
