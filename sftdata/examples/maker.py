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

from sftdata.base.arrow import flags
from sftdata.base.hashing import choose_by_hash, hash_texts
from sftdata.base.ledger_line import BlockLedgerLine
from sftdata.base.reasons import Status
from sftdata.base.schema import label_column, shard_schema
from sftdata.examples.blocks import BlockRun, Blocks, Slice
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
        before = np.cumsum(np.concatenate(([0], self.blocks.rows.T.ravel())))
        starts = before[:-1].reshape(self.blocks.rows.T.shape)  # all of a split, then the next
        counts = self.blocks.rows[first:last].sum(axis=0)
        return BlockRun(
            self.blocks.slice(first, last),
            [
                [Slice(self.batch, int(start), int(rows), is_reused=False)] if rows else []
                for start, rows in zip(starts[:, first], counts, strict=True)
            ],
        )


@dataclass(frozen=True)
class ExampleMaker:
    """Reads, screens, renders, fits and tokenizes blocks. Holds the build's settings."""

    reader: RowReader
    templates: Sequence[Template]  # empty for conversations
    weights: Sequence[float]  # of the templates; a single one for conversations
    screen: Screen
    fitter: Callable[[], RowFitter]  # called late: it may wait for the tokenizer
    split: Mapping[str, float]
    seed: int

    def make(self, work: Sequence[BlockRequest]) -> BlockExamples:
        """The examples of every wanted block, chunk by chunk and template by template.

        All chunks come from one source.
        """
        chunks = [item.chunk for item in work]
        blocks = [(at, template) for at, item in enumerate(work) for template in item.templates]
        number = np.full((len(chunks), len(self.weights)), _NOT_WANTED)
        for at, place in enumerate(blocks):
            number[place] = at
        parsed = self.reader.parse(chunks)
        chosen = self.choose_template(parsed.hashes)
        rows, block = self._wanted(parsed, number[parsed.chunk, chosen])
        outcomes = RowOutcomes(rows.batch.num_rows)
        self.screen.inspect(rows, self.reader.sources[chunks[0].source].name, outcomes)
        # Everything that needs no tokenizer comes first: it may still be loading.
        hashes = np.concatenate((rows.hashes, content_hashes(rows.batch)), axis=1)
        tokens = self._tokens(rows, block, blocks, outcomes)
        kept = ~outcomes.dropped
        ids = rows.batch.column("row_id")
        labels = label_column(self._template_of(block, blocks)[kept], self.labels)
        columns = [
            ids.filter(flags(kept)).cast(pa.string()),
            labels,
            *tokens.tokens.columns().values(),
        ]
        return BlockExamples(
            batch=pa.RecordBatch.from_arrays(columns, schema=shard_schema()),
            blocks=self._count_blocks(
                chunks, blocks, number, rows, block, outcomes, tokens, hashes
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

    def _wanted(
        self, rows: Rows, block: npt.NDArray[np.int64]
    ) -> tuple[Rows, npt.NDArray[np.int64]]:
        """The rows of wanted blocks, sorted by split and block, and the block of each."""
        splits = assign_splits(rows.group_hashes, self.split, self.seed)
        order = np.lexsort((block, splits))
        order = order[block[order] != _NOT_WANTED]
        return rows.take(order), block[order]

    def _tokens(
        self,
        rows: Rows,
        block: npt.NDArray[np.int64],
        blocks: Sequence[tuple[int, int]],
        outcomes: RowOutcomes,
    ) -> ExampleTokens:
        """The tokens of every row that is not dropped, in order."""
        template_of, fitter = self._template_of(block, blocks), self.fitter()
        made: list[ExampleTokens] = []
        for index in range(len(self.weights)):
            mine = np.flatnonzero((template_of == index) & ~outcomes.dropped)
            template = self.templates[index] if self.templates else None
            for encoded in fitter.fit(rows, mine, template, outcomes):
                made.append(fitter.join_tokens(encoded))
        return ExampleTokens.in_order(made)

    def _template_of(
        self, block: npt.NDArray[np.int64], blocks: Sequence[tuple[int, int]]
    ) -> npt.NDArray[np.int8]:
        return np.array([template for _, template in blocks], np.int8)[block]

    def _count_blocks(
        self,
        chunks: Sequence[Chunk],
        blocks: Sequence[tuple[int, int]],
        number: npt.NDArray[np.int64],
        rows: Rows,
        block: npt.NDArray[np.int64],
        outcomes: RowOutcomes,
        tokens: ExampleTokens,
        hashes: npt.NDArray[np.uint64],
    ) -> Blocks:
        splits = assign_splits(rows.group_hashes, self.split, self.seed)
        kept = ~outcomes.dropped
        cell = block[kept] * len(self.split) + splits[kept]
        counts = np.bincount(cell, minlength=len(blocks) * len(self.split))
        counts = counts.reshape(-1, len(self.split))
        seen = np.bincount(block, minlength=len(blocks))
        ledger: list[tuple[int, BlockLedgerLine]] = []
        for fault in rows.faults:
            at = self._block_of(fault, number)
            if at != _NOT_WANTED:
                ledger.append((at, _faulty(fault, chunks[fault.chunk])))
                seen[at] += 1
        ids = rows.batch.column("row_id")
        for row, status, reason, detail in outcomes:
            line = int(rows.line[row]) - chunks[rows.chunk[row]].first_row
            entry = BlockLedgerLine(ids[row].as_py(), line, status, reason, detail)
            ledger.append((int(block[row]), entry))
        differs = [
            (int(block[row]), ids[row].as_py())
            for row in np.flatnonzero(kept)[~tokens.stable].tolist()
        ]
        by_block = np.argsort(block[kept], kind="stable")  # within a block by split
        return Blocks(
            rows_in=seen,
            rows=counts,
            hashes=hashes[kept][by_block],
            ledger=sorted(ledger, key=lambda entry: (entry[0], entry[1].line)),
            whole_text_differs=sorted(differs, key=lambda entry: entry[0]),
        )

    def _block_of(self, fault: RowFault, number: npt.NDArray[np.int64]) -> int:
        """The block that counts an unusable row: that of the template it would have got."""
        (template,) = self.choose_template(hash_texts([fault.row_id.encode()]))
        return int(number[fault.chunk, template])


def _faulty(fault: RowFault, chunk: Chunk) -> BlockLedgerLine:
    line = fault.line - chunk.first_row
    return BlockLedgerLine(fault.row_id, line, Status.DROPPED, fault.reason, fault.detail)
