"""Build: from a spec to a committed data set.

Reading, making examples and writing run side by side. Chunks whose key an earlier build in the
same directory has finished, committed or killed, are copied from it.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

import sftdata
from sftdata import card, columns
from sftdata import manifest as manifest_file
from sftdata.duplicates import SeenIds
from sftdata.errors import GoldenSetError, SftdataError, TemplateError
from sftdata.escaping import escape
from sftdata.examples import DROPPED, ChunkExamples, ExampleMaker, Examples, LedgerLine
from sftdata.golden.chunks import Chunk, read_chunks
from sftdata.golden.rows import RowReader
from sftdata.golden.sources import Source, resolve_sources
from sftdata.journal import FinishedChunks, JournalWriter, Slice
from sftdata.ledger import Ledger, ledger_path
from sftdata.manifest import (
    SCHEMA_VERSION,
    Manifest,
    commit,
    read_manifest,
    sync_folder,
    write_atomically,
)
from sftdata.shards import ShardWriter
from sftdata.spec import Spec, load_spec
from sftdata.split import hash_texts
from sftdata.stats import length_stats
from sftdata.template import Template, load_template
from sftdata.tokenization import (
    REFERENCE,
    Encoder,
    EncoderChoice,
    choose_encoder,
    load_encoder,
)
from sftdata.tokenizer import Tokenizer, load_tokenizer
from sftdata.workers import InProcess, Processes, Workers

Report = Callable[[str], None]
Progress = Callable[[int], None]  # gets the number of source rows that are done

_LOCK = ".lock"
DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Outcome:
    """A finished build: its manifest, and how much of it had to be done."""

    manifest: Manifest
    up_to_date: bool  # nothing was read: an earlier build has the same content
    reused_rows: int  # source rows whose examples were copied from an earlier build


@dataclass(frozen=True)
class _Plan:
    """Everything a build is made from, loaded and checked."""

    spec: Spec
    sources: tuple[Source, ...]
    template: Template
    tokenizer: Tokenizer

    @functools.cached_property
    def row_key(self) -> str:
        """Digest of everything but the rows that decides what a row becomes."""
        options = self.options()
        options.pop("max_dropped")
        return _digest(
            {
                "version": SCHEMA_VERSION,
                "template": [self.template.label, self.template.source_sha256],
                "tokenizer": [self.tokenizer.sha256, self.tokenizer.eos_id, self.tokenizer.bos_id],
                "control": sorted(self.tokenizer.control_tokens.items()),
                "split": list(self.spec.split.items()),  # their order decides, too
                "options": options,
            }
        )

    @functools.cached_property
    def build(self) -> str:
        """The build's name: a digest of all its inputs, so equal inputs have equal names."""
        key = [self.row_key, self.spec.max_dropped, [source.sha256 for source in self.sources]]
        return _digest(key)[:16]

    def options(self) -> dict[str, Any]:
        """The spec without what has a place of its own in the manifest."""
        named = {"task", "description", "license", "language", "data", "template", "tokenizer"}
        return self.spec.model_dump(mode="json", exclude=named)

    def reader(self) -> RowReader:
        fields = dict(sorted(self.spec.fields.items()))
        id_path = fields.pop("id", None)
        return RowReader(self.sources, fields, id_path, self.spec.group, self.spec.nul == "keep")


def build(
    task: str | None = None,
    *,
    spec: Path | str | None = None,
    data: Sequence[str | Path] | str | Path | None = None,
    fields: Mapping[str, str] | None = None,
    template: str | None = None,
    tokenizer: str | Path | None = None,
    out: str | Path | None = None,
    max_length: int | None = None,
    seed: int | None = None,
    max_dropped: float | None = None,
    workers: int = 1,
    frozen: bool = False,
    report: Report = lambda line: None,
    progress: Progress = lambda rows: None,
) -> Outcome:
    """Builds the data set of a task or a spec file, and gives its manifest.

    What is given here is laid over the spec; `fields` maps golden fields to paths in the source.
    `workers` counts processes; with one, the work is done in this process, on all cores.
    `report` gets lines a person should see, `progress` the number of source rows done.
    Raises `SftdataError`; the data set that was in `out` before then stays as it was.
    """
    laid_over = load_spec(
        task=task,
        file=None if spec is None else Path(spec),
        data=None if data is None else _as_list(data),
        fields=None if fields is None else dict(fields),
        template=template,
        tokenizer=None if tokenizer is None else str(tokenizer),
        max_length=max_length,
        seed=seed,
        max_dropped=max_dropped,
    )
    return build_spec(
        laid_over, out=out, workers=workers, frozen=frozen, report=report, progress=progress
    )


def build_spec(
    spec: Spec,
    *,
    out: str | Path | None = None,
    workers: int = 1,
    frozen: bool = False,
    report: Report = lambda line: None,
    progress: Progress = lambda rows: None,
) -> Outcome:
    """`build` for a spec in hand."""
    plan = _plan(spec, frozen)
    if plan.template.note is not None:
        report(plan.template.note)
    directory = Path(out) if out is not None else Path("data") / plan.spec.task
    directory.mkdir(parents=True, exist_ok=True)
    with _lock(directory, report):
        current = _current(directory)
        if current is not None and current["build"] == plan.build and _is_whole(current):
            _tidy(current, plan.spec)  # a kill right after the commit may have left it undone
            return Outcome(current, up_to_date=True, reused_rows=current["rows_in"])
        return _Build(plan, directory, current, workers, report, progress).run()


def check(
    task: str | None = None, *, spec: Path | str | None = None, **options: Any
) -> list[Examples]:
    """Everything a build checks before its first row, and the first examples of each source.

    Nothing is written. Raises `SftdataError` as `build` does.
    """
    file = None if spec is None else Path(spec)
    plan = _plan(load_spec(task=task, file=file, **options), frozen=False)
    encoder: Encoder | None = None
    made = []
    for index, source in enumerate(plan.sources):
        for chunks in islice(read_chunks(source, index), 1):
            plan.reader().check_columns(chunks)
            encoder = encoder or _choose_encoder(plan, chunks, lambda line: None).encoder
            made.append(_maker(plan, encoder).make(chunks[:4]))
    if not made:
        raise _no_rows(plan.sources)
    return made


def _plan(spec: Spec, frozen: bool) -> _Plan:
    template = load_template(spec.template)
    if template.is_draft and frozen:
        raise TemplateError(
            f"Template '{template.id}' is a draft, and --frozen builds released versions only.",
            "Build without --frozen.",
        )
    missing = template.fields - spec.fields.keys()
    if missing:
        raise TemplateError(
            f"Template '{template.label}' needs the field '{min(missing)}', which the spec does "
            f"not map; it maps: {', '.join(sorted(spec.fields))}.",
            f"Map it, for example: --map {min(missing)}=COLUMN",
        )
    return _Plan(
        spec=spec,
        sources=tuple(resolve_sources(spec.data)),
        template=template,
        tokenizer=load_tokenizer(spec.tokenizer),
    )


def _maker(plan: _Plan, encoder: Encoder) -> ExampleMaker:
    return ExampleMaker(
        reader=plan.reader(),
        template=plan.template,
        encoder=encoder,
        split=plan.spec.split,
        seed=plan.spec.seed,
        max_length=plan.spec.max_length,
        keep=plan.spec.keep,
    )


def _maker_in_worker(plan: _Plan, engine: str) -> ExampleMaker:
    return _maker(plan, load_encoder(plan.tokenizer, engine))


def _choose_encoder(plan: _Plan, chunks: Sequence[Chunk], report: Report) -> EncoderChoice:
    """The encoder of a build, to be checked on some of these rows."""
    rows = plan.reader().parse(chunks[:4])
    texts = [rows.batch.column(name) for name in sorted(plan.template.fields)]
    return choose_encoder(plan.tokenizer, pa.concat_arrays(texts), report)


@dataclass
class _Build:
    """One run of a build: the state that grows while rows go through."""

    plan: _Plan
    directory: Path
    current: Manifest | None
    number_of_workers: int
    report: Report
    progress: Progress
    ledger: Ledger = field(default_factory=Ledger)
    seen: SeenIds = field(default_factory=SeenIds)
    rows_in: list[int] = field(default_factory=list)  # by source
    reused_rows: int = 0
    whole_text_differs: int = 0
    reference_only: bool = False
    engine_fault: Future[str | None] | None = None  # the check of the engine on the rows

    def run(self) -> Outcome:
        self.splits = list(self.plan.spec.split)
        self.rows_in = [0] * len(self.plan.sources)
        self.workers: Workers | None = None
        for kind in ("shards", "ledger"):
            (self.directory / kind).mkdir(exist_ok=True)
        # What a refused engine has finished cannot be told from what the reference has.
        self.finished = [] if self.reference_only else self._finished_chunks()
        self.folder = f"shards/{self.plan.build}"
        (self.directory / self.folder).mkdir()
        self.writers = [ShardWriter(self.directory, self.folder, name) for name in self.splits]
        self.journal = JournalWriter(self.directory / self.folder)
        self.gate = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gate")
        try:
            self._go_through_sources()
            fault = self.engine_fault.result() if self.engine_fault is not None else None
            outcome = self._commit() if fault is None else None
        except OSError as error:
            # A write that fails does not say where it was writing.
            place = error.filename or str(self.directory)
            raise OSError(error.errno, error.strerror or str(error), place) from error
        finally:
            self.gate.shutdown(cancel_futures=True)
            if self.workers is not None:
                self.workers.close()
            self._close_files()
        return outcome if outcome is not None else self._run_on_reference(str(fault))

    def _close_files(self) -> None:
        self.journal.close()
        for writer in self.writers:
            writer.abandon()

    def _run_on_reference(self, fault: str) -> Outcome:
        """The build once more without the fast engine, and without anything it has made."""
        self.report(f"the tokenizers library encodes this build: gigatoken differs on {fault!r}")
        shutil.rmtree(self.directory / self.folder)
        again = _Build(
            self.plan, self.directory, None, self.number_of_workers, self.report, self.progress
        )
        again.reference_only = True
        return again.run()

    def _finished_chunks(self) -> list[FinishedChunks]:
        """What earlier builds in this directory have finished, the committed one first.

        A folder with this build's own name is what a killed run of it left; it is set aside.
        """
        shards = self.directory / "shards"
        own = shards / self.plan.build
        if own.exists():
            earlier = [int(path.suffix[1:]) for path in shards.glob(f"{self.plan.build}.*")]
            own.rename(shards / f"{self.plan.build}.{max(earlier, default=-1) + 1}")
        committed = self.current["build"] if self.current is not None else None
        folders = sorted(shards.iterdir(), key=lambda f: (f.name != committed, f.name))
        return [FinishedChunks(folder, self.splits) for folder in folders if folder.is_dir()]

    def _go_through_sources(self) -> None:
        waiting: deque[_Piece] = deque()
        for chunks in self._pieces():
            keys = [self._key(chunk) for chunk in chunks]
            found = [self._find(key) for key in keys]
            unknown = [c for c, f in zip(chunks, found, strict=True) if f is None]
            job = self._started_workers(unknown).submit(unknown) if unknown else None
            waiting.append(_Piece(chunks, keys, found, job))
            if len(waiting) > self.number_of_workers + 1:
                self._take(waiting.popleft())
        while waiting:
            self._take(waiting.popleft())

    def _key(self, chunk: Chunk) -> str:
        return xxhash.xxh3_128_hexdigest(self.plan.row_key.encode() + chunk.digest)

    def _find(self, key: str) -> _Finished | None:
        return next((f for done in self.finished if (f := done.find(key)) is not None), None)

    def _pieces(self) -> Iterator[list[Chunk]]:
        for index, source in enumerate(self.plan.sources):
            first = True
            for chunks in read_chunks(source, index):
                if first:
                    self.plan.reader().check_columns(chunks)
                    first = False
                yield chunks

    def _started_workers(self, sample: Sequence[Chunk]) -> Workers:
        """The workers; starts them with an engine that was checked on these rows."""
        if self.workers is None:
            encoder = self._choose_encoder(sample)
            if self.number_of_workers > 1:
                make = functools.partial(_maker_in_worker, self.plan, encoder.engine)
                self.workers = Processes(self.number_of_workers, make)
            else:
                self.workers = InProcess(_maker(self.plan, encoder))
        return self.workers

    def _choose_encoder(self, sample: Sequence[Chunk]) -> Encoder:
        if self.reference_only:
            return load_encoder(self.plan.tokenizer, REFERENCE)
        chosen = _choose_encoder(self.plan, sample, self.report)
        self.engine_fault = self.gate.submit(chosen.find_fault)
        return chosen.encoder

    def _take(self, piece: _Piece) -> None:
        """Hands the examples of a piece to the writers, in source order."""
        made = piece.job.result() if piece.job is not None else None
        fresh = iter(_fresh(made)) if made else iter(())
        finished = [next(fresh) if found is None else found for found in piece.found]
        repeated = self._find_repeated([slices for _, slices in finished])
        for chunk, key, found, (done, slices), marks in zip(
            piece.chunks, piece.keys, piece.found, finished, repeated, strict=True
        ):
            self.reused_rows += done.rows_in if found is not None else 0
            self._note_chunk(chunk, key, done, slices, marks)
        by_split = zip(*(slices for _, slices in finished), strict=True)
        for writer, parts in zip(self.writers, by_split, strict=True):
            for part in _joined([part for slices in parts for part in slices]):
                writer.append(part.batch, part.start, part.rows)
        for split, writer in zip(self.splits, self.writers, strict=True):
            for written in writer.take_written():
                self.journal.note_written(split, written)
        self.progress(sum(self.rows_in))

    def _note_chunk(
        self,
        chunk: Chunk,
        key: str,
        done: ChunkExamples,
        slices: list[list[Slice]],
        marks: _Marks | None,
    ) -> None:
        source = self.plan.sources[chunk.source]
        repeated = self._take_out(chunk, slices, marks) if marks is not None else []
        if repeated:
            # What was left out depends on the rows before, so the chunk cannot stand for itself.
            self.journal.skip_rows([sum(s.rows for s in split) for split in slices])
        else:
            self.journal.add_chunk(key, done)
        left_out = {(line.row_id, line.line) for line in repeated}
        for line in done.ledger:
            if (line.row_id, line.line) not in left_out:
                self.ledger.add(line, source.name, chunk.first_row)
        for line in repeated:
            self.ledger.add(line, source.name, chunk.first_row)
        self.rows_in[chunk.source] += done.rows_in
        without = {line.row_id for line in repeated}
        self.whole_text_differs += sum(i not in without for i in done.whole_text_differs)

    def _find_repeated(self, chunks: list[list[list[Slice]]]) -> list[_Marks | None]:
        """For each chunk of a piece and each split, which rows have an id that was there before.

        None for a chunk without such rows, which is nearly every chunk.
        """
        # Split by split, so that slices which lie side by side are read together.
        parts = [part for split in zip(*chunks, strict=True) for slices in split for part in slices]
        ids = [i for part in _joined(parts) for i in _row_ids(part)]
        if not ids:
            return [None] * len(chunks)
        repeated = self.seen.add(hash_texts(ids))
        if not repeated.any():
            return [None] * len(chunks)
        ends = iter(np.cumsum([part.rows for part in parts]).tolist())
        marks: list[_Marks] = [[] for _ in chunks]
        for split in zip(*chunks, strict=True):
            for chunk, slices in enumerate(split):
                own = [repeated[(end := next(ends)) - part.rows : end] for part in slices]
                marks[chunk].append(np.concatenate(own) if own else np.empty(0, np.bool_))
        return [m if any(split.any() for split in m) else None for m in marks]

    def _take_out(self, chunk: Chunk, slices: list[list[Slice]], marks: _Marks) -> list[LedgerLine]:
        """Takes the marked rows out of `slices`; a ledger line for each.

        Raises `GoldenSetError` when the source gave the id.
        """
        rows = self.plan.reader().parse([chunk])  # for the lines, which the shards do not hold
        places: dict[bytes, list[tuple[int, bool]]] = {}
        for row_id, line, is_own in zip(
            _ids(rows.batch), rows.line.tolist(), rows.has_own_id.tolist(), strict=True
        ):
            places.setdefault(row_id, []).append((line - chunk.first_row, is_own))
        lines: list[LedgerLine] = []
        for split, marked in zip(slices, marks, strict=True):
            ids = [i for part in split for i in _row_ids(part)]
            for row_id in (ids[row] for row in np.flatnonzero(marked)):
                line, is_own = places[row_id].pop()  # of several in a chunk the last are repeats
                if is_own:
                    raise self._given_twice(row_id.decode())
                detail = "the same fields as an earlier row"
                lines.append(LedgerLine(row_id.decode(), line, DROPPED, DUPLICATE, detail))
            split[:] = _rows_kept(split, ~marked)
        return sorted(lines, key=lambda entry: entry.line)

    def _given_twice(self, row_id: str) -> GoldenSetError:
        places = []
        for index, source in enumerate(self.plan.sources):
            for chunks in read_chunks(source, index):
                rows = self.plan.reader().parse(chunks)
                same = columns.to_flags(pc.equal(rows.batch.column("row_id"), row_id))
                places += [f"{source.name}:{line}" for line in rows.line[same]]
        return GoldenSetError(
            f"The id '{escape(row_id)}' stands at {' and at '.join(places[:2])}.",
            "Ids must be unique over all sources. Fix the rows, or map another field: "
            "--map id=COLUMN (a column that does not exist gives ids made of the content).",
        )

    def _commit(self) -> Outcome:
        shards = {w: writer.close() for w, writer in zip(self.splits, self.writers, strict=True)}
        for split, writer in zip(self.splits, self.writers, strict=True):
            for written in writer.take_written():
                self.journal.note_written(split, written)
        self.journal.close()
        self._check_drops()
        self._check_sources_unchanged()
        self.ledger.write(self.directory / ledger_path(self.plan.build))
        for folder in ("shards", "ledger", self.folder):
            sync_folder(self.directory / folder)
        content = self._manifest(
            {name: {"shards": [s.to_json() for s in parts]} for name, parts in shards.items()}
        )
        manifest = Manifest(self.directory, content)
        commit(manifest)
        _tidy(manifest, self.plan.spec)
        return Outcome(manifest, up_to_date=False, reused_rows=self.reused_rows)

    def _check_drops(self) -> None:
        rows = sum(self.rows_in)
        if rows == 0:
            raise _no_rows(self.plan.sources)
        # A repeated row loses nothing: its text is in the data set once.
        faults = [x for x in self.ledger.lines if x[2] == DROPPED and x[3] != DUPLICATE]
        share = 100 * len(faults) / rows
        if share <= self.plan.spec.max_dropped and len(faults) < rows:
            return
        row_id, place, _, reason, detail = faults[0]
        allow = f"Fix the rows, or allow so many to be dropped: --max-dropped {np.ceil(share):g}"
        raise GoldenSetError(
            f"{place}: {detail} ({reason}, row '{escape(row_id)}'). {len(faults):,} of {rows:,} "
            f"rows ({share:.3g} %) cannot be used; at most {self.plan.spec.max_dropped:g} % may be "
            "dropped. Nothing was committed.",
            allow if len(faults) < rows else "Fix the rows; a data set cannot be empty.",
        )

    def _check_sources_unchanged(self) -> None:
        for source in self.plan.sources:
            again = Source(source.name, source.format, source.files, source.compression)
            if again.stamp != source.stamp:
                raise GoldenSetError(
                    f"{source.name} was changed while it was read.", "Run the build again."
                )

    def _manifest(self, splits: dict[str, Any]) -> dict[str, Any]:
        plan = self.plan
        lengths = {
            name: np.concatenate(writer.lengths) if writer.lengths else np.empty((0, 2), np.int32)
            for name, writer in zip(self.splits, self.writers, strict=True)
        }
        rows_out = sum(len(rows) for rows in lengths.values())
        return {
            "version": SCHEMA_VERSION,
            "sftdata": sftdata.__version__,
            "build": plan.build,
            "task": plan.spec.task,
            "draft": plan.template.is_draft,
            "template": {plan.template.label: plan.template.source_sha256},
            "tokenizer": {
                "name": plan.tokenizer.name,
                "sha256": plan.tokenizer.sha256,
                "vocab_size": plan.tokenizer.vocab_size,
                "eos_id": plan.tokenizer.eos_id,
                "bos_id": plan.tokenizer.bos_id,
                "pad_id": plan.tokenizer.pad_id,
            },
            "sources": [
                {"path": source.name, "rows": rows, "sha256": source.sha256}
                for source, rows in zip(plan.sources, self.rows_in, strict=True)
            ],
            "options": plan.options(),
            "spec": plan.spec.model_dump(mode="json"),
            "splits": splits,
            "rows_in": sum(self.rows_in),
            "rows_out": rows_out,
            "dropped": self.ledger.dropped,
            "cut": self.ledger.cut,
            "certificate": {
                "rows": rows_out,
                "prompt_equal": rows_out,
                "whole_text_equal": rows_out - self.whole_text_differs,
            },
            "stats": length_stats(lengths),
        }


_Finished = tuple[ChunkExamples, list[list[Slice]]]
_Marks = list[npt.NDArray[np.bool_]]  # by split, for each row of a chunk


@dataclass(frozen=True, slots=True)
class _Piece:
    """Chunks read together; `found` has what an earlier build made of them, or None."""

    chunks: list[Chunk]
    keys: list[str]
    found: list[_Finished | None]
    job: Future[Examples] | None


def _fresh(made: Examples) -> Iterator[_Finished]:
    for done, ranges in zip(made.chunks, made.slices(), strict=True):
        yield done, [[Slice(made.batch, start, rows)] for start, rows in ranges]


def _joined(parts: list[Slice]) -> Iterator[Slice]:
    """The slices, those that lie side by side in a batch made one."""
    batch, start, rows = None, 0, 0
    for part in parts:
        if not part.rows:
            continue
        if part.batch is batch and part.start == start + rows:
            rows += part.rows
            continue
        if batch is not None:
            yield Slice(batch, start, rows)
        batch, start, rows = part.batch, part.start, part.rows
    if batch is not None:
        yield Slice(batch, start, rows)


def _row_ids(part: Slice) -> list[bytes]:
    return _ids(part.batch.slice(part.start, part.rows))


def _ids(batch: pa.RecordBatch) -> list[bytes]:
    ids: list[bytes] = batch.column("row_id").cast(pa.large_binary()).to_pylist()
    return ids


def _rows_kept(split: list[Slice], kept: Any) -> list[Slice]:
    """The slices, cut into runs of the rows that are kept."""
    runs, at = [], 0
    for part in split:
        rows = np.flatnonzero(kept[at : at + part.rows]) + part.start
        at += part.rows
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            if len(run):
                runs.append(Slice(part.batch, int(run[0]), len(run)))
    return runs


@contextmanager
def _lock(directory: Path, report: Report) -> Iterator[None]:
    """One build at a time in a directory; a second one waits and then starts from its result.

    The system releases the lock with the process, however that ends.
    """
    with (directory / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"waiting for another build in {directory}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _current(directory: Path) -> Manifest | None:
    try:
        return read_manifest(directory)
    except SftdataError:
        return None  # none, or one that cannot be read: the build makes a new one


def _is_whole(manifest: Manifest) -> bool:
    """Whether every file of the data set is there with the size it was committed with."""
    sizes = [s["bytes"] for split in manifest["splits"].values() for s in split["shards"]]
    paths = manifest.shard_paths
    ledger = manifest.directory / ledger_path(manifest["build"])
    return ledger.is_file() and all(
        path.is_file() and path.stat().st_size == size
        for path, size in zip(paths, sizes, strict=True)
    )


def _tidy(manifest: Manifest, spec: Spec) -> None:
    """Brings the card up to date and removes what is of no build that is committed.

    Whoever has the files of an earlier build open or mapped keeps them.
    """
    directory, build = manifest.directory, manifest["build"]
    text = card.render_card(spec, manifest.content).encode()
    path = directory / card.FILE
    if not path.is_file() or path.read_bytes() != text:
        write_atomically(path, text)
    for name in (card.FILE, manifest_file.FILE):
        for temporary in directory.glob(f".{name}.*"):
            temporary.unlink()
    for folder in (directory / "shards").iterdir():
        if folder.name != build:
            shutil.rmtree(folder)
    for path in (directory / "ledger").iterdir():
        if path.stem != build:
            path.unlink()


def _no_rows(sources: Sequence[Source]) -> GoldenSetError:
    names = ", ".join(source.name for source in sources)
    return GoldenSetError(f"{names}: no rows.", "Check that the file is not empty.")


def _as_list(data: Sequence[str | Path] | str | Path) -> list[str]:
    return [str(data)] if isinstance(data, (str, Path)) else [str(item) for item in data]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
