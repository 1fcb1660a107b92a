"""Examples: chunks of source rows in, tokenized examples out.

The one pure function of a build, `ExampleMaker.make`, runs in the building process or in any of
its workers. What it gives for a chunk depends on the chunk and the build's settings alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.columns import flags, numbers, text, texts, to_numbers
from sftdata.engine import Encoded
from sftdata.golden.chunks import Chunk
from sftdata.golden.rows import RowFault, RowReader, Rows
from sftdata.length import Keep, shorten_texts
from sftdata.render import Rendered, render_batch
from sftdata.shards import shard_schema
from sftdata.split import assign_splits
from sftdata.template import Template
from sftdata.tokenization import Encoder, encode_batch, whole_text_equal

DROPPED, CUT = "dropped", "cut"


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """What happened to a source row that is not in the shards as it was."""

    row_id: str
    line: int  # in the source, relative to the first line of its chunk
    status: str  # "dropped" or "cut"
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class ChunkExamples:
    """What became of one chunk."""

    rows_in: int
    rows: tuple[int, ...]  # by split
    whole_text_differs: tuple[str, ...]  # ids of rows whose text encoded at once gives other ids
    ledger: tuple[LedgerLine, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples of several chunks: one batch, sorted by split and then in source order."""

    batch: pa.RecordBatch
    chunks: list[ChunkExamples]

    def slices(self) -> list[list[tuple[int, int]]]:
        """For each chunk and split, where its rows start in `batch` and how many they are."""
        counts = np.array([chunk.rows for chunk in self.chunks], np.int64)
        starts = np.cumsum(counts.T.ravel()) - counts.T.ravel()  # all of a split, then the next
        by_chunk = starts.reshape(counts.T.shape).T
        return [
            list(zip(s.tolist(), n.tolist(), strict=True))
            for s, n in zip(by_chunk, counts, strict=True)
        ]


@dataclass(frozen=True)
class ExampleMaker:
    """Reads, renders, fits and tokenizes chunks. Holds the build's settings and its engine."""

    reader: RowReader
    template: Template
    encoder: Encoder
    split: Mapping[str, float]
    seed: int
    max_length: int | None
    keep: Keep

    def make(self, chunks: Sequence[Chunk]) -> Examples:
        """The examples of `chunks`, which all come from one source."""
        rows = _sorted_by_split(self.reader.parse(chunks), self.split, self.seed)
        rendered = render_batch(rows.batch, self.template)
        prompt = self.encoder.encode_prompts(rendered.prompt)
        target = self.encoder.encode_targets(rendered.target)
        fates: dict[int, tuple[str, str, str]] = {}  # row → status, reason, detail
        self._find_unusable(prompt, target, fates)
        if self.max_length is not None:
            rendered, prompt = self._fit(rows, rendered, prompt, target, fates)
        whole = self.encoder.encode_prompts(_joined(rendered))
        equal = whole_text_equal(prompt, target, whole)
        kept = np.ones(rows.batch.num_rows, np.bool_)
        kept[[row for row, (status, _, _) in fates.items() if status == DROPPED]] = False
        batch = self._to_batch(rows, prompt, target)
        splits = assign_splits(rows.group_hashes, self.split, self.seed)
        return Examples(
            batch=batch if kept.all() else batch.filter(flags(kept)),
            chunks=self._by_chunk(chunks, rows, splits, kept, equal, fates),
        )

    def _find_unusable(
        self, prompt: Encoded, target: Encoded, fates: dict[int, tuple[str, str, str]]
    ) -> None:
        for part, encoded in (("prompt", prompt), ("target", target)):
            for row in self.encoder.find_unsafe(encoded):
                detail = f"the {part} holds a character the tokenizer cannot encode as text"
                fates.setdefault(int(row), (DROPPED, "not_encodable", detail))
        for row in np.flatnonzero(target.lengths == 0):
            fates.setdefault(int(row), (DROPPED, "empty_target", "the target has no token"))

    def _fit(
        self,
        rows: Rows,
        rendered: Rendered,
        prompt: Encoded,
        target: Encoded,
        fates: dict[int, tuple[str, str, str]],
    ) -> tuple[Rendered, Encoded]:
        """Cuts the rows that are too long; those that cannot be cut enough are dropped."""
        assert self.max_length is not None
        extra = 1 + int(self.encoder.tokenizer.bos_id is not None)
        lengths = prompt.lengths + target.lengths + extra
        long = np.array(
            [row for row in np.flatnonzero(lengths > self.max_length) if row not in fates], np.int64
        )
        if not len(long):
            return rendered, prompt
        shortened = self._shortened(
            rows, long, prompt, self.max_length - extra - target.lengths[long]
        )
        fit: list[int] = []
        for row, part in zip(long.tolist(), shortened, strict=True):
            length = f"{lengths[row]:,} tokens of at most {self.max_length:,}"
            if part is None:
                fates[row] = (DROPPED, "too_long", length)
                continue
            before = len(rows.batch.column(str(self.template.shorten))[row].as_py())
            detail = (
                f"{self.template.shorten}: kept {len(part):,} of {before:,} characters; {length}"
            )
            fates[row] = (CUT, "max_length", detail)
            fit.append(row)
        if not fit:
            return rendered, prompt
        cut = _with_texts(
            rows.batch,
            np.array(fit),
            str(self.template.shorten),
            [t for t in shortened if t is not None],
        )
        cut_prompts = render_batch(cut, self.template).prompt
        order = np.arange(rows.batch.num_rows)
        order[fit] = rows.batch.num_rows + np.arange(len(fit))
        prompts = pa.concat_arrays([rendered.prompt, cut_prompts]).take(numbers(order))
        encoded = _replace_rows(prompt, self.encoder.encode_prompts(cut_prompts), order)
        return Rendered(prompts, rendered.target), encoded

    def _shortened(
        self,
        rows: Rows,
        long: npt.NDArray[np.int64],
        prompt: Encoded,
        budgets: npt.NDArray[np.int64],
    ) -> list[str | None]:
        field = self.template.shorten
        if field is None:
            return [None] * len(long)

        def count_tokens(at: npt.NDArray[np.int64], parts: list[str]) -> npt.NDArray[np.int64]:
            cut = _with_texts(rows.batch, long[at], field, parts)
            return self.encoder.encode_prompts(render_batch(cut, self.template).prompt).lengths

        whole = rows.batch.column(field).take(numbers(long)).to_pylist()
        return shorten_texts(whole, prompt.lengths[long], budgets, self.keep, count_tokens)

    def _to_batch(self, rows: Rows, prompt: Encoded, target: Encoded) -> pa.RecordBatch:
        tokens = encode_batch(prompt, target, self.encoder.tokenizer)
        offsets = numbers(tokens.offsets)
        labels = pa.DictionaryArray.from_arrays(
            numbers(np.zeros(rows.batch.num_rows, np.int8)),
            texts([self.template.label]).cast(pa.string()),
        )
        return pa.RecordBatch.from_arrays(
            [
                rows.batch.column("row_id").cast(pa.string()),
                labels,
                pa.ListArray.from_arrays(offsets, numbers(tokens.input_ids)),
                pa.ListArray.from_arrays(offsets, flags(tokens.label_mask)),
                numbers(tokens.target_start),
            ],
            schema=shard_schema(),
        )

    def _by_chunk(
        self,
        chunks: Sequence[Chunk],
        rows: Rows,
        splits: npt.NDArray[np.int8],
        kept: npt.NDArray[np.bool_],
        equal: npt.NDArray[np.bool_],
        fates: Mapping[int, tuple[str, str, str]],
    ) -> list[ChunkExamples]:
        number = len(self.split)
        cell = rows.chunk.astype(np.int64) * number + splits
        counts = np.bincount(cell[kept], minlength=len(chunks) * number).reshape(-1, number)
        seen = np.bincount(rows.chunk, minlength=len(chunks))
        ledger: list[list[LedgerLine]] = [[] for _ in chunks]
        for fault in rows.faults:
            ledger[fault.chunk].append(_faulty(fault, chunks[fault.chunk]))
            seen[fault.chunk] += 1
        ids = rows.batch.column("row_id")
        differs: list[list[str]] = [[] for _ in chunks]
        for unequal in np.flatnonzero(kept & ~equal).tolist():
            differs[rows.chunk[unequal]].append(ids[unequal].as_py())
        for row, fate in fates.items():
            chunk = int(rows.chunk[row])
            line = int(rows.line[row]) - chunks[chunk].first_row
            ledger[chunk].append(LedgerLine(ids[row].as_py(), line, *fate))
        return [
            ChunkExamples(
                rows_in=int(seen[i]),
                rows=tuple(counts[i].tolist()),
                whole_text_differs=tuple(differs[i]),
                ledger=tuple(sorted(ledger[i], key=lambda entry: entry.line)),
            )
            for i in range(len(chunks))
        ]


def _sorted_by_split(rows: Rows, shares: Mapping[str, float], seed: int) -> Rows:
    splits = assign_splits(rows.group_hashes, shares, seed)
    order = np.argsort(splits, kind="stable")
    return Rows(
        batch=rows.batch.take(numbers(order)),
        chunk=rows.chunk[order],
        line=rows.line[order],
        hashes=rows.hashes[order],
        group_hashes=rows.group_hashes[order],
        has_own_id=rows.has_own_id[order],
        faults=rows.faults,
    )


def _faulty(fault: RowFault, chunk: Chunk) -> LedgerLine:
    line = fault.line - chunk.first_row
    return LedgerLine(fault.row_id, line, DROPPED, fault.reason, fault.detail)


def _joined(rendered: Rendered) -> pa.LargeStringArray:
    return pc.binary_join_element_wise(rendered.prompt, rendered.target, text(""))


def _with_texts(
    batch: pa.RecordBatch, at: npt.NDArray[np.int64], field: str, new: list[str]
) -> pa.RecordBatch:
    """The rows `at` of `batch` with other texts in one column."""
    taken = batch.take(numbers(at))
    index = taken.schema.get_field_index(field)
    return taken.set_column(index, field, texts(new))


def _replace_rows(first: Encoded, second: Encoded, order: npt.NDArray[np.int64]) -> Encoded:
    """Row i of the result is row `order[i]` of `first` followed by `second`."""
    lists = pa.concat_arrays(
        [pa.LargeListArray.from_arrays(numbers(e.offsets), numbers(e.ids)) for e in (first, second)]
    ).take(numbers(order))
    return Encoded(to_numbers(lists.values), to_numbers(lists.offsets))
