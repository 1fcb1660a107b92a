"""One run of a build: from sources to shards that can be committed.

Reading, making examples and writing run side by side. Blocks that an earlier build in the same
directory has finished, committed or killed, are copied from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sftdata.base.background import prefetch
from sftdata.base.cache import unchanged_files
from sftdata.base.files import Stamp
from sftdata.base.full_disk import needing
from sftdata.base.reporting import Progress, Report
from sftdata.building.card_example import describe_example
from sftdata.building.deduplicate import Deduplicator, repeats_of
from sftdata.building.dispatch import Dispatcher
from sftdata.building.drops import check_drops, warn_of_duplicates
from sftdata.building.inputs import no_rows
from sftdata.building.kept_rows import (
    REPEATS,
    KeptRow,
    Repeat,
    find_kept_rows,
    name_kept_rows,
    read_ids,
)
from sftdata.building.manifest_content import BuildTotals, describe_build
from sftdata.building.plan import Plan
from sftdata.building.reuse import BlockLookup, ChunkGroup, PendingExamples
from sftdata.building.workforce import Workforce
from sftdata.examples.blocks import BlockRun, Blocks
from sftdata.examples.maker import BlockRequest
from sftdata.reading.chunks import Chunk, Chunks
from sftdata.reading.ranges import changed_while_read
from sftdata.reading.row_reader import row_reader
from sftdata.reading.tables.types import describe_columns_as_text
from sftdata.tokenizing.engine_cache import EngineCache
from sftdata.writing.build_folder import UNFINISHED, BuildFolder, set_aside
from sftdata.writing.earlier_build import EarlierBuild
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import LEDGERS, SHARDS, Manifest
from sftdata.writing.ownership import remove_shards

# Chunk groups to prefetch beyond one per worker, so that no worker waits while this thread writes.
_GROUPS_AHEAD = 1
_SHARE_TO_TELL = 0.01  # of the sources; from there on the bytes of the rest are estimated


@dataclass(frozen=True)
class FinishedBuild:
    """A build whose shards are on disk and that can be committed."""

    manifest: Manifest
    ledger: Ledger
    reused_rows: int  # source rows whose examples were copied from an earlier build


@dataclass
class BuildRun:
    """One run of a build, and what it has counted so far."""

    plan: Plan
    name: Future[str]  # of the build; known when the sources are digested
    directory: Path
    current: Manifest | None  # of the dataset in `directory`
    workforce: Workforce
    engines: EngineCache
    report: Report
    progress: Progress
    reference_only: bool = False
    ledger: Ledger = field(init=False, default_factory=Ledger)
    repeats: list[Repeat] = field(init=False, default_factory=list)
    reused_rows: int = field(init=False, default=0)
    whole_text_differs: int = field(init=False, default=0)
    unread: dict[str, list[str]] = field(init=False, default_factory=dict)
    share_done: float = field(init=False, default=0.0)  # of the bytes of all sources

    def run(self) -> FinishedBuild:
        """Builds the shards. Raises `SftdataError`, or `OSError` from reading and writing."""
        stamps = [source.stamps for source in self.plan.sources]  # before a byte is read
        self.rows_in = [0] * len(self.plan.sources)
        self.reader = row_reader(self.plan.spec, self.plan.sources)
        spec = self.plan.spec
        self.deduplicator = Deduplicator(
            self.reader, spec.duplicates == "keep", spec.near_duplicates, self.directory
        )
        self.dispatcher = Dispatcher(
            self.plan,
            self.workforce,
            self.engines,
            self.report,
            few_expected=self.current is not None,
            reference_only=self.reference_only,
        )
        earlier = self._open_folder()
        try:
            with needing(self._estimate_rest, is_estimate=True):
                self._process_rows(earlier)
            fault = self.dispatcher.find_fault()
            finished = None if fault is not None else self._finish(stamps)
        finally:
            self.dispatcher.close()
            self.folder.abandon()
        return finished or self._run_on_reference(str(fault))

    def _open_folder(self) -> Sequence[EarlierBuild]:
        """Starts the folder of this build; the earlier builds that blocks may be copied from."""
        for kind in (SHARDS, LEDGERS):
            (self.directory / kind).mkdir(exist_ok=True)
        set_aside(self.directory / SHARDS / UNFINISHED)
        # The journal doesn't say which engine made a block, so the reference reuses none.
        earlier = [] if self.reference_only else self._earlier_builds()
        self.folder = BuildFolder(
            self.directory, self.plan.splits, self.plan.labels, earlier, self.plan.sizes
        )
        return earlier

    def _earlier_builds(self) -> list[EarlierBuild]:
        """The earlier builds in this directory, the committed one first."""
        committed = self.current["build"] if self.current is not None else None
        known = [Path(name) for name in unchanged_files(self.directory)]
        return [
            EarlierBuild(
                folder,
                list(self.plan.splits),
                self.plan.labels,
                is_committed=folder.name == committed,
                untouched={path.name for path in known if path.parent.name == folder.name},
            )
            for folder in sorted(
                (self.directory / SHARDS).iterdir(), key=lambda f: (f.name != committed, f.name)
            )
            if folder.is_dir() and not folder.is_symlink()
        ]

    def _process_rows(self, earlier: Sequence[EarlierBuild]) -> None:
        # Near duplicates are not found by hashes, so other rows may be dropped this time.
        with_drops = self.plan.spec.near_duplicates is None
        lookup = BlockLookup(self.plan, earlier, with_drops=with_drops)
        groups = lookup.find_reusable(self.dispatcher.submit)
        ahead = self.dispatcher.number_of_workers + _GROUPS_AHEAD
        for group, pending in prefetch(groups, ahead, lambda item: bool(item[0].is_reused.all())):
            self._add(group, pending)
            del group, pending  # frees their memory before the next ones are made
        if not any(self.rows_in):
            raise no_rows(self.plan.sources)
        self.unread = lookup.unread
        if note := describe_columns_as_text(lookup.as_text):
            self.report(note)

    def _add(self, group: ChunkGroup, pending: PendingExamples) -> None:
        """Hands the examples of a chunk group to the folder, and counts its rows."""
        templates = len(self.plan.block_keys)
        runs = self.deduplicator.drop_repeats(
            lambda at: group.chunks[at // templates],
            list(group.block_runs(pending)),
            lambda at: self._make_again(group.chunks[at // templates], at % templates),
        )
        blocks = Blocks.concatenate([run.blocks for run in runs])
        repeated = _hashes_of_repeats(runs)
        self.folder.note_engine(is_checked=self.dispatcher.is_checked)
        self.folder.add_blocks(group.chunks, group.keys, blocks, runs)
        for note in group.chunks.notes:
            self.report(note)
        source = group.chunks.source
        lines = [
            (at // templates, own, next(repeated[at]) if own.reason in REPEATS else None)
            for at, own in blocks.ledger
        ]
        for at, own, hashes in sorted(lines, key=lambda entry: (entry[0], entry[1].line)):
            first_row = int(group.chunks.first_rows[at])
            line = own.in_source(self.plan.sources[source].name, first_row)
            if hashes is not None:
                near = self.deduplicator.near.get(line.row_id)
                number = len(self.ledger.lines)
                self.repeats.append(Repeat.of(number, line, hashes, near))
            self.ledger.lines.append(line)
        self.rows_in[source] += int(blocks.rows_in.sum())
        self.reused_rows += int(blocks.rows_in[group.is_reused].sum())
        self.whole_text_differs += len(blocks.whole_text_differs)
        self.share_done = self._share(group.chunks)
        self.progress(sum(self.rows_in), self.share_done)

    def _share(self, chunks: Chunks) -> float:
        """The share of the bytes of all sources that had been read up to these chunks."""
        sizes = [source.size for source in self.plan.sources]
        done = sum(sizes[: chunks.source]) + min(chunks.bytes_read, sizes[chunks.source])
        return done / max(1, sum(sizes))

    def _estimate_rest(self) -> int:
        """About the bytes that the rest of the rows will take; 0: too few are done to tell."""
        if self.share_done < _SHARE_TO_TELL:
            return 0
        return round(self.folder.bytes_on_disk() * (1 / self.share_done - 1))

    def _make_again(self, chunk: Chunk, template: int) -> BlockRun:
        (job,) = self.dispatcher.submit([BlockRequest(chunk, (template,))])
        return job.result().block_run(0, 1)

    def _finish(self, stamps: Sequence[list[Stamp]]) -> FinishedBuild:
        """Checks the result and has the shards on disk, in a folder with the build's name."""
        kept: dict[tuple[bool, bytes], KeptRow] = {}
        clashes: list[tuple[str, str]] = []
        if self.repeats:
            names = [source.name for source in self.plan.sources]
            kept = find_kept_rows(self.repeats, self.folder.read_blocks(), names)
            clashes = name_kept_rows(self.ledger.lines, self.repeats, kept, {})
        spec = self.plan.spec
        check_drops(self.ledger, sum(self.rows_in), spec.max_dropped, clashes, spec.id_prefix)
        if warning := warn_of_duplicates(self.ledger, sum(self.rows_in)):
            self.report(warning)
        for source, before in zip(self.plan.sources, stamps, strict=True):
            if not source.has(before):
                raise changed_while_read(source)
        self.folder.note_engine(is_checked=self.dispatcher.is_checked)
        shards, sizes = self.folder.finish(self.name.result())
        if kept:
            ids = read_ids(kept.values(), self.folder.path, list(shards.values()))
            name_kept_rows(self.ledger.lines, self.repeats, kept, ids)
        example = describe_example(self.plan.tokenizer, self.folder.path, shards, is_chat=spec.chat)
        totals = BuildTotals(
            shards, sizes, self.rows_in, self.ledger, self.whole_text_differs, self.unread, example
        )
        manifest = Manifest(self.directory, describe_build(self.plan, totals))
        return FinishedBuild(manifest, self.ledger, self.reused_rows)

    def _run_on_reference(self, fault: str) -> FinishedBuild:
        """Builds once more without the fast engine, and without anything it has made."""
        self.report(f"the tokenizers library encodes this build: gigatoken differs on {fault!r}")
        remove_shards(self.folder.path)
        return replace(self, current=None, reference_only=True).run()


def _hashes_of_repeats(
    runs: Sequence[BlockRun],
) -> dict[int, Iterator[npt.NDArray[np.uint64]]]:
    """For each block that lost repeated rows, by its index, their hashes in ledger order."""
    found, at = {}, 0
    for run in runs:
        if run.dropped is not None:
            found[at] = iter(repeats_of(run.dropped))
        at += len(run.blocks)
    return found
