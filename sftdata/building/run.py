"""Assembly: one run of a build, from sources to a committed dataset.

Reading, making examples and writing run side by side. Blocks whose key an earlier build in the
same directory has finished, committed or killed, are copied from it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from sftdata.base import arrow as columns
from sftdata.base.background import pulled_ahead
from sftdata.base.cache import untouched
from sftdata.base.escaping import escape
from sftdata.base.files import sync
from sftdata.base.reasons import DROPPED, DUPLICATE, NEAR_DUPLICATE, REPEATED_ID
from sftdata.base.reporting import Progress, Report
from sftdata.building.deduplicate import Repeats
from sftdata.building.describe import Totals, describe
from sftdata.building.dispatch import Dispatcher
from sftdata.building.inputs import no_rows, row_reader
from sftdata.building.plan import Plan
from sftdata.building.reuse import Known, Made, Piece
from sftdata.errors import GoldenSetError
from sftdata.examples.blocks import Blocks, Run
from sftdata.examples.maker import Work
from sftdata.reading.chunks import Chunk, read_chunks
from sftdata.reading.rows import FILTERED
from sftdata.tokenizing.encoder import Engines
from sftdata.writing.build_folder import UNFINISHED, BuildFolder, set_aside
from sftdata.writing.earlier_build import FinishedBlocks
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import Manifest, commit, ledger_path, pool_path

# Beside one for each worker, so that none waits while this thread writes what is ready.
_PIECES_AHEAD = 1

# Drops that lose nothing, or that were asked for: they are told and never an error.
_WANTED_DROPS = frozenset({DUPLICATE, NEAR_DUPLICATE, FILTERED, "contaminated"})


@dataclass(frozen=True)
class Assembled:
    """A committed dataset, and how many of its source rows were copied from an earlier build."""

    manifest: Manifest
    reused_rows: int


@dataclass
class Assembly:
    """One run of a build: the state that grows while rows go through."""

    plan: Plan
    name: Future[str]  # of the build, which is known when the sources are digested
    directory: Path
    current: Manifest | None
    number_of_workers: int
    report: Report
    progress: Progress
    engines: Engines
    reference_only: bool = False
    ledger: Ledger = field(default_factory=Ledger)
    reused_rows: int = 0
    whole_text_differs: int = 0

    def run(self) -> Assembled:
        """Builds and commits.

        Raises `SftdataError`, or `OSError` with the place, and then nothing is committed.
        """
        self.stamps = [source.stamps for source in self.plan.sources]  # before a byte is read
        self.dispatcher = Dispatcher(
            self.plan,
            self.number_of_workers,
            self.engines,
            self.report,
            few_expected=self.current is not None,
            reference_only=self.reference_only,
        )
        self.reader = row_reader(self.plan)
        self.splits = list(self.plan.spec.split)
        self.rows_in = [0] * len(self.plan.sources)
        spec = self.plan.spec
        self.repeats = Repeats(self.reader, spec.duplicates == "keep", spec.near_duplicates)
        for kind in ("shards", "ledger"):
            (self.directory / kind).mkdir(exist_ok=True)
        set_aside(self.directory / "shards" / UNFINISHED)
        # What a refused engine has finished cannot be told from what the reference has.
        finished = [] if self.reference_only else self._finished_blocks()
        self.folder = BuildFolder(self.directory, spec.split, self.plan.labels, finished)
        # What nearly repeats an earlier row is not told by hashes.
        known = Known(self.plan, finished, uses_trimmed=spec.near_duplicates is None)
        pieces = known.pieces(self.dispatcher.submit)
        try:
            ahead = self.number_of_workers + _PIECES_AHEAD
            for piece, made in pulled_ahead(pieces, ahead, lambda pulled: pulled[0].is_known):
                self._take(piece, made)
                del piece, made  # or they would be in memory until the next ones are there
            if not any(self.rows_in):
                raise no_rows(self.plan.sources)
            fault = self.dispatcher.find_fault()
            manifest = self._commit(self.name.result()) if fault is None else None
        except OSError as error:
            # A write that fails does not say where it was writing.
            place = error.filename or str(self.directory)
            raise OSError(error.errno, error.strerror or str(error), place) from error
        finally:
            self.dispatcher.close()
            self.folder.abandon()
        if manifest is None:
            return self._run_on_reference(str(fault))
        return Assembled(manifest, self.reused_rows)

    def _run_on_reference(self, fault: str) -> Assembled:
        """The build once more without the fast engine, and without anything it has made."""
        self.report(f"the tokenizers library encodes this build: gigatoken differs on {fault!r}")
        shutil.rmtree(self.folder.path)
        again = Assembly(
            self.plan,
            self.name,
            self.directory,
            None,
            self.number_of_workers,
            self.report,
            self.progress,
            self.engines,
            reference_only=True,
        )
        return again.run()

    def _finished_blocks(self) -> list[FinishedBlocks]:
        """What earlier builds in this directory have finished, the committed one first."""
        committed = self.current["build"] if self.current is not None else None
        known = [Path(name) for name in untouched(self.directory)]
        return [
            FinishedBlocks(
                folder,
                self.splits,
                self.plan.labels,
                is_committed=folder.name == committed,
                untouched={path.name for path in known if path.parent.name == folder.name},
            )
            for folder in sorted(
                (self.directory / "shards").iterdir(), key=lambda f: (f.name != committed, f.name)
            )
            if folder.is_dir()
        ]

    def _take(self, piece: Piece, made: Made) -> None:
        """Hands the examples of a piece to the folder, in source order."""
        templates = len(self.plan.block_keys)
        runs = self.repeats.take_out(
            lambda at: piece.chunks[at // templates],
            list(piece.runs(made)),
            lambda at: self._make_again(piece.chunks[at // templates], at % templates),
        )
        blocks = Blocks.concatenate([run.blocks for run in runs])
        self.folder.note_engine(is_checked=self.dispatcher.is_checked)
        self.folder.add(piece.chunks, piece.keys, blocks, runs)
        source = piece.chunks.source
        lines = [(at // templates, line) for at, line in blocks.ledger]
        for at, line in sorted(lines, key=lambda entry: (entry[0], entry[1].line)):
            first_row = int(piece.chunks.first_rows[at])
            self.ledger.add(line, self.plan.sources[source].name, first_row)
        self.rows_in[source] += int(blocks.rows_in.sum())
        reused = [place is not None for place, _ in piece.found]
        self.reused_rows += int(
            blocks.rows_in[np.repeat(reused, [n for _, n in piece.found])].sum()
        )
        self.whole_text_differs += len(blocks.whole_text_differs)
        self.progress(sum(self.rows_in))

    def _make_again(self, chunk: Chunk, template: int) -> Run:
        (job,) = self.dispatcher.submit([Work(chunk, (template,))])
        return job.result().part(0, 1)

    def _commit(self, build: str) -> Manifest:
        self._place_repeated_ids()
        self._check_drops()
        self._check_sources_unchanged()
        self.folder.note_engine(is_checked=self.dispatcher.is_checked)
        shards, sizes = self.folder.finish(build)
        self.ledger.write(self.directory / ledger_path(self.plan.build))
        if self.plan.pool is not None:
            (self.directory / "shots").mkdir(exist_ok=True)
            self.plan.pool.write(self.directory / pool_path(self.plan.build))
            sync(self.directory / "shots")
        for kind in ("shards", "ledger"):
            sync(self.directory / kind)
        totals = Totals(shards, sizes, self.rows_in, self.ledger, self.whole_text_differs)
        manifest = Manifest(self.directory, describe(self.plan, totals))
        commit(manifest)
        return manifest

    def _place_repeated_ids(self) -> None:
        """Writes both places of each id that was given twice into its ledger line."""
        if not self.repeats.repeated_ids:
            return
        places: dict[str, list[str]] = {}
        for source, row_id, line in self._places_of(self.repeats.repeated_ids):
            places.setdefault(row_id, []).append(f"{source}:{line}")
        self.ledger.lines = [
            (
                row_id,
                place,
                status,
                reason,
                f"the id '{row_id}' stands at {_other(places[row_id], place)} and at {place}, "
                "with other fields",
            )
            if reason == REPEATED_ID
            else (row_id, place, status, reason, detail)
            for row_id, place, status, reason, detail in self.ledger.lines
        ]

    def _places_of(self, row_ids: set[str]) -> Iterator[tuple[str, str, int]]:
        wanted = columns.texts(sorted(row_ids))
        for index, source in enumerate(self.plan.sources):
            for chunks in read_chunks(source, index):
                rows = self.reader.parse(chunks)
                ids = rows.batch.column("row_id")
                for at in np.flatnonzero(columns.to_flags(pc.is_in(ids, wanted))):
                    yield source.name, ids[at].as_py(), int(rows.line[at])

    def _check_drops(self) -> None:
        rows = sum(self.rows_in)
        faults = [x for x in self.ledger.lines if x[2] == DROPPED and x[3] not in _WANTED_DROPS]
        dropped = sum(self.ledger.dropped.values())
        share = 100 * len(faults) / rows
        if share <= self.plan.spec.max_dropped and dropped < rows:
            return
        if len(faults) < rows and share <= self.plan.spec.max_dropped:
            raise GoldenSetError(
                f"All {rows:,} rows are left out: "
                + ", ".join(f"{n:,} {reason}" for reason, n in self.ledger.dropped.items())
                + ". Nothing was committed.",
                "Look at the spec's where and against; a dataset cannot be empty.",
            )
        row_id, place, _, reason, detail = faults[0]
        allow = f"Fix the rows, or allow so many to be dropped: --max-dropped {np.ceil(share):g}"
        raise GoldenSetError(
            f"{place}: {detail} ({reason}, row '{escape(row_id)}'). {len(faults):,} of {rows:,} "
            f"rows ({share:.3g} %) cannot be used; at most {self.plan.spec.max_dropped:g} % may be "
            "dropped. Nothing was committed.",
            allow if dropped < rows else "Fix the rows; a dataset cannot be empty.",
        )

    def _check_sources_unchanged(self) -> None:
        for source, stamps in zip(self.plan.sources, self.stamps, strict=True):
            if not source.has(stamps):
                raise GoldenSetError(
                    f"{source.name} was changed while it was read.", "Run the build again."
                )


def _other(places: Sequence[str], place: str) -> str:
    return next((other for other in places if other != place), place)
