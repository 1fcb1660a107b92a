"""Build: from a spec, or a mixture of them, to a committed data set."""

from __future__ import annotations

import fcntl
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftdata.base.background import in_background
from sftdata.base.cache import is_intact, remember_files, untouched
from sftdata.building.mixture.identity import PARTS, mixture_name
from sftdata.building.plan import Plan, make_plan
from sftdata.errors import SftdataError
from sftdata.spec.model import Mixture, Spec, load_spec
from sftdata.tokenizing.reference_process import LARGE_VOCABULARY, start_ahead
from sftdata.tokenizing.tokenizer import Tokenizer, load_tokenizer
from sftdata.writing import card
from sftdata.writing import manifest as manifest_file
from sftdata.writing.manifest import (
    LEDGERS,
    POOLS,
    Manifest,
    ledger_path,
    read_manifest,
    write_atomically,
)

if TYPE_CHECKING:
    from sftdata.building.run import Progress
    from sftdata.tokenizing.encoder import Engines, Report

_LOCK = ".lock"


@dataclass(frozen=True)
class Outcome:
    """A finished build: its manifest, and how much of it had to be done."""

    manifest: Manifest
    up_to_date: bool  # nothing was read: an earlier build has the same content
    reused_rows: int  # source rows whose examples were copied from an earlier build


def build(
    task: str | None = None,
    *,
    spec: Path | str | None = None,
    data: Sequence[str | Path] | str | Path | None = None,
    fields: Mapping[str, Any] | None = None,
    template: Sequence[str] | str | None = None,
    tokenizer: str | Path | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    frozen: bool = False,
    report: Report = lambda line: None,
    progress: Progress = lambda rows: None,
    **options: Any,
) -> Outcome:
    """Builds the data set of a task or a spec file, and gives its manifest.

    What is given here is laid over the spec; `fields` maps golden fields to paths in the source,
    `options` are any other keys of a spec, such as `max_length`, `seed`, `chat` or `shots`.
    `workers` counts processes; with one, the work is done in this process, on all cores.
    `report` gets lines a person should see, `progress` the number of source rows done.
    Raises `SftdataError`; the data set that was in `out` before then stays as it was.
    """
    loaded = load_spec(
        task=task,
        file=None if spec is None else Path(spec),
        data=None if data is None else _as_list(data),
        fields=None if fields is None else dict(fields),
        templates=None if template is None else _as_list(template),
        tokenizer=None if tokenizer is None else str(tokenizer),
        **options,
    )
    return build_spec(
        loaded, out=out, workers=workers, frozen=frozen, report=report, progress=progress
    )


def _engines() -> Engines:
    from sftdata.tokenizing.encoder import Engines

    return Engines()


def build_spec(
    spec: Spec | Mixture,
    *,
    out: str | Path | None = None,
    workers: int = 1,
    frozen: bool = False,
    report: Report = lambda line: None,
    progress: Progress = lambda rows: None,
    load_tokenizer: Callable[[str], Tokenizer] = load_tokenizer,
    engines: Callable[[], Engines] = _engines,
) -> Outcome:
    """`build` for a spec in hand; `engines` gives those that were loaded for another build."""
    directory = Path(out) if out is not None else Path("data") / spec.task
    if isinstance(spec, Mixture):
        return _build_mixture(spec, directory, workers, frozen, report, progress)
    plan = make_plan(spec, frozen=frozen, load_tokenizer=load_tokenizer)
    for note in (template.note for template in plan.templates):
        if note is not None:
            report(note)
    with _lock(directory, report):
        current = _current(directory)
        name = in_background(lambda: plan.build)  # while all that a build takes is loaded
        if (
            current is not None
            and not _has_other_sources(plan, current)
            and current["build"] == name.result()
            and _is_whole(current)
        ):
            _tidy(current, plan.spec)  # a kill right after the commit may have left it undone
            return Outcome(current, up_to_date=True, reused_rows=current["rows_in"])
        _start_reference(plan)
        from sftdata.building.run import Assembly

        done = Assembly(plan, name, directory, current, workers, report, progress, engines()).run()
        _tidy(done.manifest, plan.spec)
        return Outcome(done.manifest, up_to_date=False, reused_rows=done.reused_rows)


def _start_reference(plan: Plan) -> None:
    """Has the reference loaded while this process loads what it needs itself, if it has not yet.

    After that whoever needs it starts it, and a part of a mixture may have it from another.
    """
    plain = plan.tokenizer.plain
    if "sftdata.building.run" not in sys.modules and plain.entries >= LARGE_VOCABULARY:
        start_ahead(plain.content)


def _build_mixture(
    mixture: Mixture,
    directory: Path,
    workers: int,
    frozen: bool,
    report: Report,
    progress: Progress,
) -> Outcome:
    """Builds every source as a data set of its own in `parts/`, then mixes their rows."""
    with _lock(directory, report):
        done = reused = 0
        manifests = []
        load, engines = cache(load_tokenizer), cache(_engines)
        for source in mixture.sources:
            folder = directory / PARTS / source.name

            def show(rows: int, before: int = done) -> None:
                progress(before + rows)

            outcome = build_spec(
                source.spec,
                out=folder,
                workers=workers,
                frozen=frozen,
                report=report,
                progress=show,
                load_tokenizer=load,
                engines=engines,
            )
            manifests.append(outcome.manifest)
            done += outcome.manifest["rows_in"]
            reused += outcome.reused_rows
        current = _current(directory)
        name = mixture_name(mixture, [manifest["build"] for manifest in manifests])
        if current is not None and current["build"] == name and _is_whole(current):
            mixed = current
        else:
            mixed = _mix(mixture, manifests, directory, name)
        _tidy(mixed, mixture)
        for folder in (directory / PARTS).iterdir():
            if folder.name not in {source.name for source in mixture.sources}:
                shutil.rmtree(folder)
        return Outcome(mixed, mixed is current, reused)


def _mix(mixture: Mixture, manifests: Sequence[Manifest], directory: Path, name: str) -> Manifest:
    from sftdata.building.mixture.mix import mix
    from sftdata.building.mixture.parts import Part

    parts = [Part(*part) for part in zip(mixture.sources, manifests, strict=True)]
    return mix(mixture, parts, directory, name)


@contextmanager
def _lock(directory: Path, report: Report) -> Iterator[None]:
    """One build at a time in a directory; a second one waits and then starts from its result.

    The system releases the lock with the process, however that ends.
    """
    directory.mkdir(parents=True, exist_ok=True)
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


def _has_other_sources(plan: Plan, manifest: Manifest) -> bool:
    """Whether sizes alone tell that the sources are others; then no digest need be waited for."""
    recorded = [source.get("bytes") for source in manifest["sources"]]
    return None not in recorded and recorded != [source.size for source in plan.sources]


def _is_whole(manifest: Manifest) -> bool:
    """Whether every file of the data set is there, each shard with the bytes it was given."""
    known = untouched(manifest.directory)
    ledger = manifest.directory / ledger_path(manifest["build"])
    return ledger.is_file() and all(
        shard["path"] in known or _is_intact(manifest.directory / shard["path"], shard)
        for split in manifest["splits"].values()
        for shard in split["shards"]
    )


def _is_intact(path: Path, shard: Mapping[str, Any]) -> bool:
    return (
        path.is_file()
        and path.stat().st_size == shard["bytes"]
        and is_intact(path, shard["bytes"], shard.get("xxh3", ""))
    )


def _tidy(manifest: Manifest, spec: Spec | Mixture) -> None:
    """Brings the card up to date and removes what is of no build that is committed.

    Then it remembers the shards, whose bytes were checked or just written.

    Whoever has the files of an earlier build open or mapped keeps them.
    """
    directory, build = manifest.directory, manifest["build"]
    files = card.render_files(spec, manifest.content)
    for name, data in files.items():
        path = directory / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, data)
    for name in (*files, manifest_file.FILE):
        path = directory / name
        for temporary in path.parent.glob(f".{path.name}.*"):
            temporary.unlink()
    for folder in (directory / "shards").iterdir():
        if folder.name != build:
            shutil.rmtree(folder)
    for kind in (LEDGERS, POOLS):
        for path in (directory / kind).glob("*"):
            if path.stem != build:
                path.unlink()
    splits = manifest["splits"].values()
    remember_files(directory, [shard["path"] for split in splits for shard in split["shards"]])


def _as_list(items: Sequence[str | Path] | str | Path) -> list[str]:
    return [str(items)] if isinstance(items, (str, Path)) else [str(item) for item in items]
