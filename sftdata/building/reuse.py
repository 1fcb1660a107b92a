"""Find the blocks that earlier builds have, and have the others made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from sftdata.building.plan import Plan
from sftdata.examples.blocks import BlockRun
from sftdata.examples.maker import BlockExamples, BlockRequest
from sftdata.reading.chunks import Chunk, Chunks
from sftdata.reading.outline import Outline
from sftdata.reading.row_reader import read_source, row_reader
from sftdata.reading.tables.types import ColumnsAsText
from sftdata.writing.earlier_build import BlockLocation, EarlierBuild
from sftdata.writing.journal import KEY_BYTES

# Look up several groups before work is submitted: each submission has a fixed cost.
_GROUPS_AT_ONCE = 4

# Starts the work, perhaps as several jobs.
Submit = Callable[[Sequence[BlockRequest]], list[Future[BlockExamples]]]


class PendingExamples:
    """The blocks of several jobs, in order. The jobs may still run."""

    def __init__(self, jobs: Sequence[Future[BlockExamples]]) -> None:
        self._results = (job.result() for job in jobs)
        self._examples: BlockExamples | None = None
        self._taken = 0

    def take(self, blocks: int) -> Iterator[BlockRun]:
        """The next `blocks` blocks; waits until they are made."""
        while blocks:
            if self._examples is None or self._taken == len(self._examples.blocks):
                self._examples, self._taken = next(self._results), 0
            first = self._taken
            self._taken = min(first + blocks, len(self._examples.blocks))
            blocks -= self._taken - first
            yield self._examples.block_run(first, self._taken)


@dataclass(frozen=True, slots=True)
class FoundBlocks:
    """Neighbouring blocks that lie side by side in an earlier build, or that are in none."""

    location: BlockLocation | None  # of the first; None: they have to be made
    number: int


@dataclass(frozen=True, slots=True)
class ChunkGroup:
    """Chunks read together, and where earlier builds have their blocks."""

    chunks: Chunks
    keys: bytes  # of the blocks, joined
    found: list[FoundBlocks]

    @property
    def is_reused(self) -> npt.NDArray[np.bool_]:
        """bool[blocks]: whether an earlier build has the block."""
        numbers = [found.number for found in self.found]
        return np.repeat([found.location is not None for found in self.found], numbers)

    def requests(self, templates: int) -> list[BlockRequest]:
        """The blocks to make, in order."""
        wanted: dict[int, list[int]] = {}
        for block in np.flatnonzero(~self.is_reused).tolist():
            wanted.setdefault(block // templates, []).append(block % templates)
        return [BlockRequest(self.chunks[at], tuple(missing)) for at, missing in wanted.items()]

    def block_runs(self, pending: PendingExamples) -> Iterator[BlockRun]:
        """All blocks in order, loaded from earlier builds or taken from `pending`."""
        for found in self.found:
            if found.location is None:
                yield from pending.take(found.number)
            else:
                yield found.location.build.load_run(found.location, found.number)


class BlockLookup:
    """Looks up the blocks of a plan's sources in earlier builds.

    `with_drops`: whether blocks may be reused from which repeated rows were dropped.
    """

    def __init__(self, plan: Plan, earlier: Sequence[EarlierBuild], *, with_drops: bool) -> None:
        self._plan, self._earlier, self._with_drops = plan, earlier, with_drops
        self.unread: dict[str, list[str]] = {}  # columns that nothing reads, by source
        self.as_text: dict[str, ColumnsAsText] = {}  # columns of tables, by source

    def find_reusable(self, submit: Submit) -> Iterator[tuple[ChunkGroup, PendingExamples]]:
        """Every chunk group of the sources, in order; `submit` starts the work on new blocks."""
        groups: list[ChunkGroup] = []
        for chunks in self._read_sources():
            if groups and groups[0].chunks.source != chunks.source:
                yield from self._submit(groups, submit)
                groups = []
            keys = b"".join(
                self._key(chunks.source, chunks.outline.digest(at), template)
                for at in range(len(chunks))
                for template in range(len(self._plan.block_keys))
            )
            groups.append(ChunkGroup(chunks, keys, list(self._find_blocks(keys))))
            if groups[0].is_reused.all() or len(groups) == _GROUPS_AT_ONCE or _is_enough(groups):
                yield from self._submit(groups, submit)
                groups = []
        yield from self._submit(groups, submit)

    def _read_sources(self) -> Iterator[Chunks]:
        reader = row_reader(self._plan.spec, self._plan.sources)
        for index in range(len(self._plan.sources)):
            yield from read_source(
                reader, index, self._foresee, self._plan.sizes, self.unread, self.as_text
            )

    def _foresee(self, chunk: Chunk) -> Iterator[Outline]:
        """Outlines of the chunks that followed this one in an earlier build."""
        location = self._find_block(self._key(chunk.source, chunk.digest, 0))
        return iter(()) if location is None else location.build.outlines_after(location)

    def _submit(
        self, groups: Sequence[ChunkGroup], submit: Submit
    ) -> list[tuple[ChunkGroup, PendingExamples]]:
        templates = len(self._plan.block_keys)
        requests = [request for group in groups for request in group.requests(templates)]
        pending = PendingExamples(submit(requests))
        return [(group, pending) for group in groups]

    def _key(self, source: int, chunk: bytes, template: int) -> bytes:
        """The key of the block of a chunk (given by its digest) of a source and a template."""
        own = self._plan.sources[source]
        given = (own.split or "") + own.id_prefix(self._plan.spec.id_prefix)
        return xxhash.xxh3_128_digest(self._plan.block_keys[template] + chunk + given.encode())

    def _find_blocks(self, keys: bytes) -> Iterator[FoundBlocks]:
        """The blocks with these keys, in as few runs as possible."""
        at = new = 0
        while at < len(keys):
            location = self._find_block(keys[at : at + KEY_BYTES])
            if location is None:
                new += 1
                at += KEY_BYTES
                continue
            if new:
                yield FoundBlocks(None, new)
                new = 0
            number = location.build.count_adjacent(location, keys[at:])
            yield FoundBlocks(location, number)
            at += number * KEY_BYTES
        if new:
            yield FoundBlocks(None, new)

    def _find_block(self, key: bytes) -> BlockLocation | None:
        for build in self._earlier:
            if (location := build.find_block(key)) is not None:
                return location if self._with_drops or not location.has_drops else None
        return None


def _is_enough(groups: Sequence[ChunkGroup]) -> bool:
    """Whether the groups have at least half as many new blocks as the last group has blocks."""
    new = sum(int((~group.is_reused).sum()) for group in groups)
    return 2 * new >= len(groups[-1].is_reused)
