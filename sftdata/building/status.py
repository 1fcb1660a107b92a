"""Status: which datasets of a project are up to date, and which inputs of the others changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sftdata.base.content import in_project, project_root
from sftdata.base.version import __version__
from sftdata.base.wording import list_names
from sftdata.building.mixture.identity import mixing_options, mixture_name
from sftdata.building.plan import Plan, make_plan
from sftdata.errors import SftdataError
from sftdata.spec.load import load_spec, spec_from_json
from sftdata.spec.model import Mixture, Spec
from sftdata.tokenizing.recorded import digest_chat_template
from sftdata.writing.dataset_files import is_whole
from sftdata.writing.directory import current_manifest
from sftdata.writing.manifest import MANIFEST, PARTS, Manifest, read_manifest

State = Literal["up to date", "stale", "not built", "fault"]
_SHOWN = 3  # names of files in a reason


@dataclass(frozen=True, slots=True)
class Status:
    """A dataset compared with a build of today."""

    task: str
    directory: Path
    state: State
    reasons: tuple[str, ...] = ()  # the changes, a line each; the message of a fault
    has_spec: bool = True  # in `pipelines/`; else it is compared with the spec it recorded


def list_tasks() -> list[str]:
    """The tasks of the project's own `pipelines/`."""
    folder = project_root() / "pipelines"
    return sorted(path.stem for path in folder.glob("*.toml") if path.stem != "presets")


def find_statuses() -> Iterator[Status]:
    """The status of each spec of the project, then of other datasets in its `data/`."""
    built = set()
    for task in list_tasks():
        directory = in_project(f"data/{task}")
        built.add(directory.resolve())
        yield _find_status_of_task(task, directory)
    for path in sorted(in_project("data").glob(f"*/{MANIFEST}")):
        if path.parent.resolve() not in built:
            yield find_status(path.parent)


def find_status(directory: Path) -> Status:
    """The status of a dataset beside the spec that it recorded.

    Raises `SftdataError` where there is no dataset.
    """
    current = read_manifest(directory)
    try:
        spec = spec_from_json(current["spec"])
        reasons = tuple(_compare(spec, current))
    except SftdataError as error:
        return Status(current["task"], directory, "fault", (str(error),), has_spec=False)
    state: State = "stale" if reasons else "up to date"
    return Status(current["task"], directory, state, reasons, has_spec=False)


def _find_status_of_task(task: str, directory: Path) -> Status:
    try:
        spec = load_spec(task=task)
        current = current_manifest(directory)
        if current is None:
            return Status(task, directory, "not built")
        reasons = tuple(_compare(spec, current))
    except SftdataError as error:
        return Status(task, directory, "fault", (str(error),))
    return Status(task, directory, "stale" if reasons else "up to date", reasons)


def _compare(spec: Spec | Mixture, current: Manifest) -> Iterator[str]:
    """The changes since the build; none if a build would change nothing."""
    if not is_whole(current):
        yield f"files: damaged or missing; see sftdata verify {current.directory}"
    if isinstance(spec, Spec):
        plan = make_plan(spec)
        if plan.build != current["build"]:
            yield from _list_changes(plan, current) or [_changed_code(current)]
        return
    builds = []
    for source in spec.sources:
        part = current_manifest(current.directory / PARTS / source.name)
        if part is None:
            yield f"sources: {source.name} is new"
            continue
        yield from (f"{source.name}: {line}" for line in _compare(source.spec, part))
        builds.append(part["build"])
    changes = list(_list_changed(mixing_options(spec), current["options"]))
    yield from changes
    if (
        len(builds) == len(spec.sources)
        and not changes
        and mixture_name(spec, builds) != current["build"]
    ):
        yield "sources: other weights, caps or parts"


def _list_changes(plan: Plan, current: Manifest) -> list[str]:
    """The inputs that differ from those that the manifest recorded."""
    if "messages" not in (current["spec"] or {}).get("fields", {}) and plan.spec.is_messages:
        return ["spec: the rows are conversations now"]
    chat = current["chat"] or {}
    pool = (current.content.get("shots") or {}).get("pool_digest")
    changes = [
        *_compare_rows(plan, current["sources"]),
        *_compare_templates(plan, current["template"]),
    ]
    if plan.tokenizer.sha256 != current["tokenizer"]["sha256"]:
        changes.append(f"tokenizer: {plan.tokenizer.name} has another content")
    elif plan.spec.chat and chat.get("template_sha256") != digest_chat_template(plan.tokenizer):
        changes.append("tokenizer: another chat template")
    changes += _list_changed(plan.options, current["options"])
    if plan.pool is not None and plan.pool.digest != pool and not changes:
        changes.append("shots: another pool of rows")
    return changes


def _compare_rows(plan: Plan, recorded: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    before = {str(entry["path"]): entry["sha256"] for entry in recorded}
    now = {source.name: source.sha256 for source in plan.sources}
    for what, names in (
        ("changed", [n for n in now if n in before and now[n] != before[n]]),
        ("new", [n for n in now if n not in before and now[n] not in before.values()]),
        ("no longer read", [n for n in before if n not in now]),
    ):
        if names:
            yield f"rows: {list_names(names, _SHOWN)} {what}"


def _compare_templates(plan: Plan, recorded: Mapping[str, str]) -> Iterator[str]:
    now = {template.label: template.source_sha256 for template in plan.templates}
    for label in sorted(now.keys() - recorded.keys()):
        of_same_id = [old for old in recorded if old.split("@")[0] == label.split("@")[0]]
        yield f"template: {label}" + (f", was {of_same_id[0]}" if of_same_id else " is new")
    ids = {label.split("@")[0] for label in now}
    for label in sorted(recorded.keys() - now.keys()):
        if label.split("@")[0] not in ids:
            yield f"template: {label} is no longer used"
    for label in sorted(now.keys() & recorded.keys()):
        if now[label] != recorded[label]:
            yield f"template: the draft {label} was edited"


def _list_changed(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    for name in [*now, *(before.keys() - now.keys())]:
        if now.get(name) != before.get(name):
            yield f"options: {name} is {_show(now.get(name))}, was {_show(before.get(name))}"


def _show(value: Any) -> str:
    return "not set" if value is None else str(value)


def _changed_code(current: Manifest) -> str:
    return f"code: built by sftdata {current['sftdata']}; {__version__} makes other blocks"
