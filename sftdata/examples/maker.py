"""Make examples: chunks of source rows in, tokenized examples out.

`ExampleMaker.make` is the one pure function of a build. It runs in the building process or in a
worker. Its result for a block (the rows of a chunk that one template renders) depends on the chunk
and the settings alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers
from sftdata.base.hashing import choose_by_hash, hash_texts
from sftdata.base.ledger_line import BlockLedgerLine
from sftdata.base.reasons import Status
from sftdata.base.schema import label_column, shard_schema
from sftdata.examples.blocks import BlockRun, Blocks, Slice
from sftdata.examples.conversations.fitter import ConversationFitter
from sftdata.examples.fit import ExampleTokens, RowFitter
from sftdata.reading.chunks import Chunk
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.rows import RowFault, RowReader, Rows
from sftdata.reading.screening.duplicates import content_hashes
from sftdata.reading.screening.screen import Screen
from sftdata.reading.splits import assign_splits
from sftdata.rendering.template import Template
from sftdata.spec.fields import MESSAGES

_NOT_WANTED = -1


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """A chunk, and the indices of the templates whose blocks are wanted."""

    chunk: Chunk
    templates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BlockExamples:
    """The examples of several blocks: one batch, sorted by split and then by block."""

    batch: pa.RecordBatch  # with the columns of a shard
    blocks: Blocks

    def block_run(self, first: int, last: int) -> BlockRun:
        """Blocks `first` to `last - 1`."""
        by_split = self.blocks.rows.T
        starts = np.cumsum(by_split.ravel()).reshape(by_split.shape) - by_split
        counts = by_split[:, first:last].sum(axis=1)
        return BlockRun(
            self.blocks.slice(first, last),
            [
                [Slice(self.batch, int(start), int(rows), is_reused=False)] if rows else []
                for start, rows in zip(starts[:, first], counts, strict=True)
            ],
        )


@dataclass(frozen=True, slots=True)
class _WantedRows:
    """The usable rows of the wanted blocks, sorted by split and then by block."""

    rows: Rows
    block: npt.NDArray[np.int64]
    template: npt.NDArray[np.int8]
    split: npt.NDArray[np.int8]


@dataclass(frozen=True)
class ExampleMaker:
    """Reads, screens, renders, fits and tokenizes blocks. Holds the build's settings."""

    reader: RowReader
    templates: Sequence[Template]  # empty for conversations
    weights: Sequence[float]  # of the templates; a single one for conversations
    screen: Screen
    # Called late: they may wait for the tokenizer. The second is for conversations.
    fitter: Callable[[], RowFitter]
    conversation_fitter: Callable[[], ConversationFitter]
    split: Mapping[str, float]
    seed: int
    loose: bool  # whether contents that differ in case or white space only count as equal

    def make(self, requests: Sequence[BlockRequest]) -> BlockExamples:
        """The examples of every wanted block, chunk by chunk and template by template.

        All chunks come from one source.
        """
        chunks = [request.chunk for request in requests]
        block_of = self._number_blocks(requests)
        wanted = self._read(chunks, block_of)
        rows, outcomes = wanted.rows, RowOutcomes(len(wanted.block))
        for row, remarks in rows.remarks.items():
            for remark in remarks:
                outcomes.add_outcome(row, *remark)
        self.screen.inspect(rows, self.reader.sources[chunks[0].source].name, outcomes)
        # Everything that needs no tokenizer comes first: it may still be loading.
        hashes = np.concatenate((rows.hashes, content_hashes(rows.batch, loose=self.loose)), axis=1)
        tokens = self._tokenize(wanted, outcomes)
        kept = np.flatnonzero(~outcomes.dropped)
        ids = rows.batch.column("row_id").take(numbers(kept)).cast(pa.string())
        labels = label_column(wanted.template[kept], self.labels)
        unstable = kept[~tokens.stable]
        faults = [
            (block, fault)
            for fault in rows.faults
            if (block := self._block_of_fault(fault, block_of)) != _NOT_WANTED
        ]
        shape = (int((block_of != _NOT_WANTED).sum()), len(self.split))
        in_faults = np.array([block for block, _ in faults], np.int64)
        by_block = np.argsort(wanted.block[kept], kind="stable")  # within a block by split
        return BlockExamples(
            batch=pa.RecordBatch.from_arrays(
                [ids, labels, *tokens.batch.columns().values()], schema=shard_schema()
            ),
            blocks=Blocks(
                rows_in=np.bincount(np.append(wanted.block, in_faults), minlength=shape[0]),
                rows=_count_pairs(wanted.block[kept], wanted.split[kept], shape),
                hashes=hashes[kept[by_block]],
                lines=_lines_in_chunks(rows, chunks)[kept[by_block]],
                ledger=_ledger_lines(wanted, outcomes, faults, chunks),
                whole_text_differs=_block_and_id(wanted, unstable),
            ),
        )

    @property
    def labels(self) -> list[str]:
        """The labels of the `template` column."""
        return [template.label for template in self.templates] or [MESSAGES]

    def choose_template(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int8]:
        """int8[rows]: the template of each row, by index; `hashes` are of the row ids."""
        if len(self.weights) == 1:
            return np.zeros(len(hashes), np.int8)
        return choose_by_hash(hashes, self.weights, f"template:{self.seed}")

    def _number_blocks(self, requests: Sequence[BlockRequest]) -> npt.NDArray[np.int64]:
        """int64[chunks, templates]: the number of each wanted block, else `_NOT_WANTED`."""
        block_of = np.full((len(requests), len(self.weights)), _NOT_WANTED)
        wanted = [(at, t) for at, request in enumerate(requests) for t in request.templates]
        for number, (chunk, template) in enumerate(wanted):
            block_of[chunk, template] = number
        return block_of

    def _read(self, chunks: Sequence[Chunk], block_of: npt.NDArray[np.int64]) -> _WantedRows:
        parsed = self.reader.parse(chunks)
        template = self.choose_template(parsed.hashes)
        block = block_of[parsed.chunk, template]
        split = assign_splits(parsed.group_hashes, self.split, self.seed, parsed.given_splits)
        order = np.lexsort((block, split))
        order = order[block[order] != _NOT_WANTED]
        return _WantedRows(parsed.take(order), block[order], template[order], split[order])

    def _tokenize(self, wanted: _WantedRows, outcomes: RowOutcomes) -> ExampleTokens:
        """The tokens of every row that is not dropped, in order."""
        if not self.templates:
            places = np.flatnonzero(~outcomes.dropped)
            column = wanted.rows.batch.column(MESSAGES)
            return self.conversation_fitter().fit(column, places, outcomes)
        fitter = self.fitter()
        tokens: list[ExampleTokens] = []
        for index, template in enumerate(self.templates):
            places = np.flatnonzero((wanted.template == index) & ~outcomes.dropped)
            for encoded in fitter.fit(wanted.rows, places, template, outcomes):
                tokens.append(fitter.join_tokens(encoded))
        return ExampleTokens.in_order(tokens)

    def _block_of_fault(self, fault: RowFault, block_of: npt.NDArray[np.int64]) -> int:
        """The block that counts an unusable row: that of the template it would have got."""
        (template,) = self.choose_template(hash_texts([fault.row_id.encode()]))
        return int(block_of[fault.chunk, template])


def _lines_in_chunks(rows: Rows, chunks: Sequence[Chunk]) -> npt.NDArray[np.int32]:
    """int32[rows]: the line of each row, counted from the first line of its chunk."""
    firsts = np.array([chunk.first_row for chunk in chunks], np.int64)
    return (rows.line - firsts[rows.chunk]).astype(np.int32)


def _count_pairs(
    first: npt.NDArray[np.int64], second: npt.NDArray[np.int8], shape: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """int64[shape]: how often each pair of numbers occurs."""
    pairs = first * shape[1] + second
    return np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)


def _block_and_id(wanted: _WantedRows, places: npt.NDArray[np.int64]) -> list[tuple[int, str]]:
    """The block and the id of rows, sorted by block."""
    ids = wanted.rows.batch.column("row_id")
    found = [(int(wanted.block[place]), ids[place].as_py()) for place in places.tolist()]
    return sorted(found, key=lambda entry: entry[0])


def _ledger_lines(
    wanted: _WantedRows,
    outcomes: RowOutcomes,
    faults: Sequence[tuple[int, RowFault]],
    chunks: Sequence[Chunk],
) -> list[tuple[int, BlockLedgerLine]]:
    """Blocks and their ledger lines, sorted: of unusable rows, and of rows with an outcome."""
    rows, ids = wanted.rows, wanted.rows.batch.column("row_id")
    lines = []
    for block, fault in faults:
        line = fault.line - chunks[fault.chunk].first_row
        entry = BlockLedgerLine(fault.row_id, line, Status.DROPPED, fault.reason, fault.detail)
        lines.append((block, entry))
    for row, status, reason, detail in outcomes:
        line = int(rows.line[row]) - chunks[rows.chunk[row]].first_row
        entry = BlockLedgerLine(ids[row].as_py(), line, status, reason, detail)
        lines.append((int(wanted.block[row]), entry))
    return sorted(lines, key=lambda item: (item[0], item[1].line))
