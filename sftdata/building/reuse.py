"""Find reusable blocks of earlier builds; have the others made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import xxhash

from sftdata.building.inputs import read_source, row_reader
from sftdata.building.plan import Plan
from sftdata.examples.blocks import BlockRun
from sftdata.examples.maker import BlockExamples, BlockRequest
from sftdata.reading.chunks import Chunk, Chunks
from sftdata.reading.outline import Outline
from sftdata.writing.earlier_build import BlockLocation, EarlierBuild
from sftdata.writing.journal import KEY_BYTES

# Look up several groups at once: each submission of work has a fixed cost.
_GROUPS_AT_ONCE = 4

Submit = Callable[
    [Sequence[BlockRequest]], list[Future[BlockExamples]]
]  # starts the work, perhaps as several jobs


class PendingExamples:
    """The blocks of several jobs, in order, as they are made."""

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
class ChunkGroup:
    """Chunks read together, and where earlier builds have their blocks."""

    chunks: Chunks
    keys: bytes  # of the blocks, joined
    # Runs of blocks: their location, or None for blocks to make, and their number.
    found: list[tuple[BlockLocation | None, int]]

    @property
    def is_known(self) -> bool:
        """Whether every block can be reused."""
        return all(place is not None for place, _ in self.found)

    def work(self, templates: int) -> list[BlockRequest]:
        """The blocks to make, in order."""
        wanted: dict[int, list[int]] = {}
        first = 0
        for place, blocks in self.found:
            if place is None:
                for block in range(first, first + blocks):
                    wanted.setdefault(block // templates, []).append(block % templates)
            first += blocks
        return [BlockRequest(self.chunks[at], tuple(missing)) for at, missing in wanted.items()]

    def runs(self, made: PendingExamples) -> Iterator[BlockRun]:
        """The blocks, in runs that lie together."""
        for place, blocks in self.found:
            if place is None:
                yield from made.take(blocks)
            else:
                yield place.finished.run(place, blocks)


class BlockLookup:
    """Looks up the blocks of a plan's sources in earlier builds.

    `with_drops`: whether blocks that lost repeated rows may be reused.
    """

    def __init__(self, plan: Plan, earlier: Sequence[EarlierBuild], *, with_drops: bool) -> None:
        self._plan, self._earlier, self._with_drops = plan, earlier, with_drops

    def pieces(self, submit: Submit) -> Iterator[tuple[ChunkGroup, PendingExamples]]:
        """Every chunk group of the sources; starts the work on blocks that cannot be reused."""
        together: list[ChunkGroup] = []
        for chunks in self._chunks():
            if together and together[0].chunks.source != chunks.source:
                yield from self._started(together, submit)
                together = []
            keys = b"".join(
                self._key(chunks.outline.digest(at), template)
                for at in range(len(chunks))
                for template in range(len(self._plan.block_keys))
            )
            together.append(ChunkGroup(chunks, keys, list(self._find_all(keys))))
            if together[0].is_known or len(together) == _GROUPS_AT_ONCE or _are_new(together):
                yield from self._started(together, submit)
                together = []
        yield from self._started(together, submit)

    def _started(
        self, pieces: Sequence[ChunkGroup], submit: Submit
    ) -> list[tuple[ChunkGroup, PendingExamples]]:
        templates = len(self._plan.block_keys)
        work = [item for piece in pieces for item in piece.work(templates)]
        made = PendingExamples(submit(work))
        return [(piece, made) for piece in pieces]

    def _key(self, chunk: bytes, template: int) -> bytes:
        """The key of the block of a chunk (given by its digest) and a template."""
        return xxhash.xxh3_128_digest(self._plan.block_keys[template] + chunk)

    def _find_all(self, keys: bytes) -> Iterator[tuple[BlockLocation | None, int]]:
        """Locations of blocks with these keys, each with the number of blocks that lie together.

        None stands for blocks that cannot be reused.
        """
        at = unknown = 0
        while at < len(keys):
            place = self._find(keys[at : at + KEY_BYTES])
            if place is None:
                unknown += 1
                at += KEY_BYTES
                continue
            if unknown:
                yield None, unknown
                unknown = 0
            blocks = place.finished.together(place, keys[at:])
            yield place, blocks
            at += blocks * KEY_BYTES
        if unknown:
            yield None, unknown

    def _find(self, key: bytes) -> BlockLocation | None:
        for build in self._earlier:
            if (found := build.find(key)) is not None:
                return found if self._with_drops or not found.has_drops else None
        return None

    def _foresee(self, chunk: Chunk) -> Iterator[Outline]:
        """Outlines of the chunks that followed this one in an earlier build."""
        place = self._find(self._key(chunk.digest, 0))
        return place.finished.after(place) if place is not None else iter(())

    def _chunks(self) -> Iterator[Chunks]:
        reader = row_reader(self._plan.spec, self._plan.sources)
        for index in range(len(self._plan.sources)):
            yield from read_source(reader, index, self._foresee, self._plan.sizes)


def _are_new(pieces: Sequence[ChunkGroup]) -> bool:
    """Whether at least half of the last group is to be made."""
    new = sum(blocks for piece in pieces for place, blocks in piece.found if place is None)
    return 2 * new >= sum(blocks for _, blocks in pieces[-1].found)
