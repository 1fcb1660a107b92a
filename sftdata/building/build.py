"""Build a dataset from a spec or a mixture: plan, reuse or make, commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from sftdata.base.background import run_in_background
from sftdata.base.content import in_project
from sftdata.base.keywords import name_keywords
from sftdata.base.memory import release_memory
from sftdata.base.reporting import log
from sftdata.base.sizes import DEFAULT_SIZES, Sizes
from sftdata.base.stores import StoredFolder, is_address
from sftdata.base.wording import count
from sftdata.building.find_spec import find_spec_to_build
from sftdata.building.mixture.identity import mixture_name
from sftdata.building.mixture.lost_sources import warn_of_lost_sources
from sftdata.building.plan import Plan, make_plan
from sftdata.building.result_warnings import describe_renamed, describe_result
from sftdata.building.unfetched import name_build
from sftdata.building.workforce import THIS_PROCESS, Workforce, choose_workforce
from sftdata.reading.unread import describe_unread
from sftdata.spec.data_items import expand_data
from sftdata.spec.model import Mixture, Spec
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.writing.dataset_files import is_whole
from sftdata.writing.directory import (
    commit,
    current_manifest,
    hold_lock_file,
    lock,
    naming_directory,
    tidy,
)
from sftdata.writing.manifest import PARTS, Manifest
from sftdata.writing.ownership import remove_dataset
from sftdata.writing.publish import (
    folder_to_write,
    is_whole_in,
    look_at,
    parse_manifest,
    publish,
    working_folder,
)

# Places to read from; in a mapping, those of each split.
Places = Sequence[str | Path] | str | Path
Data = Places | Mapping[str, Places]

if TYPE_CHECKING:
    from sftdata.base.reporting import Progress, Report
    from sftdata.spec.options import SpecOptions
    from sftdata.tokenizing.engine_cache import EngineCache


@dataclass(frozen=True)
class Outcome:
    """A finished build: its manifest, and how much of it had to be done."""

    manifest: Manifest
    up_to_date: bool  # the dataset already has this content
    reused_rows: int  # source rows whose examples were copied from an earlier build
    replaced: Manifest | None = None  # of the dataset that was there before
    stored_at: str | None = None  # the address in an object store where the dataset was put

    @property
    def place(self) -> str:
        """Where the dataset is: its folder, or its address."""
        return self.stored_at or str(self.manifest.directory)

    @property
    def replaced_note(self) -> str | None:
        """A line that says which dataset is no longer there."""
        if self.replaced is None:
            return None
        rows = count(self.replaced["rows_out"], "row")
        sources = ", ".join(_sources(self.replaced))
        return f"Replaced the dataset in {self.place}: it held {rows} of {sources}."


@name_keywords
def build(
    task: str | None = None,
    *,
    spec: Path | str | None = None,
    data: Data | None = None,
    fields: Mapping[str, Any] | None = None,
    template: Sequence[str] | str | None = None,
    tokenizer: str | Path | None = None,
    out: str | Path | None = None,
    workers: int | None = 1,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    frozen: bool = False,
    report: Report = log,
    progress: Progress = lambda rows, share: None,
    **options: Unpack[SpecOptions],
) -> Outcome:
    """Builds the dataset of a task or a spec file, or of rows whose columns tell their task.

    The arguments override the spec. `data` may map splits to places; `fields` maps golden fields
    to paths in the source; `options` are other keys of a spec, such as `max_length`, `seed`,
    `chat` or `shots`. `out`: a folder, or an address in an object store. `workers`: number of
    processes; 1 does the work in this one, None starts as many as suit the input and the machine.
    New processes import the program's script, so it must call this under
    `if __name__ == "__main__":`. `engine="ray"` takes the cores of the Ray cluster at `address`
    (None: of this machine) instead. `report` gets lines for a person to read (default: the logger
    `sftdata`, as warnings), `progress` the number of source rows done, and their share of all
    bytes (None: not known).
    Raises `SftdataError`; the dataset that was in `out` stays as it was.
    """
    loaded = find_spec_to_build(
        task,
        None if spec is None else Path(spec),
        report,
        data=None if data is None else _as_items(data),
        fields=None if fields is None else dict(fields),
        templates=None if template is None else _as_list(template),
        tokenizer=None if tokenizer is None else str(tokenizer),
        **options,
    )
    workforce = choose_workforce(workers, engine, address)
    return build_spec(
        loaded, out=out, workforce=workforce, frozen=frozen, report=report, progress=progress
    )


def _engines() -> EngineCache:
    from sftdata.tokenizing.engine_cache import EngineCache

    return EngineCache()


def build_spec(
    spec: Spec | Mixture,
    *,
    out: str | Path | None = None,
    workforce: Workforce = THIS_PROCESS,
    frozen: bool = False,
    report: Report = lambda line: None,
    progress: Progress = lambda rows, share: None,
    load_tokenizer: Callable[[str], Tokenizer] = load_tokenizer,
    engines: Callable[[], EngineCache] = _engines,
    sizes: Sizes = DEFAULT_SIZES,
) -> Outcome:
    """`build` for a loaded spec. `engines` and `load_tokenizer` share loaded ones among builds."""

    def build_in(directory: Path) -> Outcome:
        if isinstance(spec, Mixture):
            return _build_mixture(spec, directory, workforce, frozen, report, progress, sizes)
        return _build_one(
            spec, directory, workforce, frozen, report, progress, load_tokenizer, engines, sizes
        )

    if out is not None and is_address(str(out)):
        folder = folder_to_write(str(out))

        def is_result(manifest: Manifest) -> bool:
            name, notes = name_build(spec, manifest, frozen, load_tokenizer)
            is_same: bool = name == manifest["build"]
            for note in dict.fromkeys(notes if is_same else ()):  # else the build reports them
                report(note)
            return is_same

        outcome = _build_into_store(folder, build_in, is_result, report)
    else:
        outcome = build_in(Path(out) if out is not None else in_project(f"data/{spec.task}"))
    release_memory()
    notes = []
    if outcome.replaced is not None and _sources(outcome.replaced) != _sources(outcome.manifest):
        notes.append(outcome.replaced_note)
    if not outcome.up_to_date:
        notes.append(describe_unread(outcome.manifest["unread"]))
    tokenizer = outcome.manifest["tokenizer"]["name"]
    notes += describe_result(outcome.manifest["template"], tokenizer, _sources(outcome.manifest))
    for note in notes:
        if note is not None:
            report(note)
    return outcome


def _build_into_store(
    folder: StoredFolder,
    build_in: Callable[[Path], Outcome],
    is_result: Callable[[Manifest], bool],
    report: Report,
) -> Outcome:
    """Builds in the cache, then puts the dataset into the store.

    Where the cache has no dataset, the one in the store is compared first: another machine may have
    built it.
    """
    directory = working_folder(folder)
    with hold_lock_file(directory.parent, report):
        before = look_at(folder)
        stored = parse_manifest(folder, before)
        if (
            stored is not None
            and current_manifest(directory) is None
            and is_whole_in(folder, stored)
            and is_result(stored)
        ):
            stored = replace(stored, directory=directory)
            return Outcome(stored, True, reused_rows=stored["rows_in"], stored_at=str(folder))
        outcome = build_in(directory)
        is_new = publish(outcome.manifest, folder, before, report)
    return replace(
        outcome,
        stored_at=str(folder),
        up_to_date=outcome.up_to_date and not is_new,
        replaced=parse_manifest(folder, before) if is_new else None,
    )


def _build_one(
    spec: Spec,
    directory: Path,
    workforce: Workforce,
    frozen: bool,
    report: Report,
    progress: Progress,
    load_tokenizer: Callable[[str], Tokenizer],
    engines: Callable[[], EngineCache],
    sizes: Sizes,
) -> Outcome:
    current = current_manifest(directory)
    plan = make_plan(
        spec,
        frozen=frozen,
        load_tokenizer=load_tokenizer,
        sizes=sizes,
        recorded=() if current is None else current["sources"],
    )
    for note in plan.notes:
        report(note)
    with naming_directory(directory), lock(directory, report):
        current = current_manifest(directory)
        # Digest the sources while modules are imported.
        name = run_in_background(lambda: plan.build)
        if current is not None and _is_up_to_date(current, plan, name):
            tidy(current, spec, report)  # in case the build was killed right after its commit
            given = [source.name for source in plan.sources]
            if renamed := describe_renamed(_sources(current), given):
                report(renamed)
            return Outcome(current, up_to_date=True, reused_rows=current["rows_in"])
        if not plan.is_fetched:
            plan = make_plan(spec, frozen=frozen, load_tokenizer=load_tokenizer, sizes=sizes)
            name = run_in_background(lambda: plan.build)
        from sftdata.building.run import BuildRun

        run = BuildRun(plan, name, directory, current, workforce, engines(), report, progress)
        finished = run.run()
        manifest = commit(finished.manifest, finished.ledger, plan.pool)
        tidy(manifest, spec, report)
        return Outcome(manifest, False, finished.reused_rows, replaced=current)


def _build_mixture(
    mixture: Mixture,
    directory: Path,
    workforce: Workforce,
    frozen: bool,
    report: Report,
    progress: Progress,
    sizes: Sizes,
) -> Outcome:
    """Builds every source as a dataset of its own in `parts/`, then mixes their rows."""
    with naming_directory(directory), lock(directory, report):
        done = reused = 0
        manifests = []
        load, engines = cache(load_tokenizer), cache(_engines)
        report = cache(report)  # print a note of several parts once
        for source in mixture.sources:
            folder = directory / PARTS / source.name

            def show(rows: int, share: float | None, before: int = done) -> None:
                progress(before + rows, None)  # the other parts are not looked at yet

            outcome = _build_one(
                source.spec, folder, workforce, frozen, report, show, load, engines, sizes
            )
            manifests.append(outcome.manifest)
            done += outcome.manifest["rows_in"]
            reused += outcome.reused_rows
        current = current_manifest(directory)
        name = mixture_name(mixture, [manifest["build"] for manifest in manifests])
        up_to_date = current is not None and current["build"] == name and is_whole(current)
        replaced = None
        if current is None or not up_to_date:
            replaced, current = current, _mix(mixture, manifests, directory, name, sizes)
        for warning in warn_of_lost_sources(current):
            report(warning)
        tidy(current, mixture, report)
        for folder in (directory / PARTS).iterdir():
            if folder.name not in {source.name for source in mixture.sources}:
                remove_dataset(folder)
        return Outcome(current, up_to_date, reused, replaced)


def _mix(
    mixture: Mixture,
    manifests: Sequence[Manifest],
    directory: Path,
    name: str,
    sizes: Sizes,
) -> Manifest:
    """Mixes the parts and commits the result as the build `name`."""
    from sftdata.building.mixture.mix import mix
    from sftdata.building.mixture.parts import MixturePart

    parts = [MixturePart(*part) for part in zip(mixture.sources, manifests, strict=True)]
    manifest, ledger = mix(mixture, parts, directory, name, sizes)
    return commit(manifest, ledger)


def _is_up_to_date(current: Manifest, plan: Plan, name: Future[str]) -> bool:
    """Whether the dataset is whole and has the content that `plan` would build."""
    recorded = [source.get("bytes") for source in current["sources"]]
    if None not in recorded and recorded != [source.size for source in plan.sources]:
        return False  # the sizes differ, so there is no need to wait for digests
    return bool(current["build"] == name.result()) and is_whole(current)


def _sources(manifest: Manifest) -> list[str]:
    return [str(source["path"]) for source in manifest["sources"]]


def _as_items(data: Data) -> list[str]:
    return _as_list(expand_data(data))


def _as_list(items: Sequence[str | Path] | str | Path) -> list[str]:
    return [str(items)] if isinstance(items, (str, Path)) else [str(item) for item in items]
