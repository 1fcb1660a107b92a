"""The inputs that a manifest records, as far as they are unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sftdata.base.stores import is_address
from sftdata.building.mixture.identity import mixture_name
from sftdata.building.plan import Plan, make_plan
from sftdata.building.recorded_spec import recorded_spec
from sftdata.errors import SftdataError
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.spec.data_items import parse_data_item
from sftdata.spec.model import Mixture, Spec
from sftdata.spec.presets import is_hub_item
from sftdata.tokenizing.recorded import check_chat_template, load_recorded_tokenizer
from sftdata.writing.manifest import Manifest


@dataclass
class RecordedInputs:
    """The plans of a dataset's specs, each with the sources that are as recorded."""

    plans: list[Plan] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # a line for each input that is not as recorded


def find_inputs(manifest: Manifest) -> RecordedInputs:
    """The inputs of a dataset that are files of this machine with the recorded digests."""
    found = RecordedInputs()
    try:
        spec = recorded_spec(manifest)
    except SftdataError as error:
        found.lost.append(_first_line(error))
        return found
    digests = {source["sha256"]: str(source["path"]) for source in manifest["sources"]}
    specs = [source.spec for source in spec.sources] if isinstance(spec, Mixture) else [spec]
    seen: set[str] = set()
    for each in specs:
        try:
            plan = _plan(each, manifest, digests, seen, found.lost)
        except SftdataError as error:
            found.lost.append(_first_line(error))
        else:
            found.plans += [plan] if plan is not None else []
    if not found.lost:
        found.lost += [
            f"the source '{name}' is not as recorded (sha256 {digest[:12]}…)"
            for digest, name in digests.items()
            if digest not in seen
        ]
    if not found.lost and (name := _name(spec, found.plans)) != manifest["build"]:
        found.lost.append(
            f"the inputs make the build {name}, not {manifest['build']}: an evaluation file, an "
            "option or the version of sftdata is another"
        )
    return found


def _plan(
    spec: Spec,
    manifest: Manifest,
    digests: dict[str, str],
    seen: set[str],
    lost: list[str],
) -> Plan | None:
    """The plan of a spec, with those of its sources that are as recorded; None without any."""
    before = len(lost)
    data = [item for item in spec.data if _is_there(item, lost)]
    if not data:
        return None
    tokenizer = load_recorded_tokenizer(manifest["tokenizer"])
    check_chat_template(manifest.content.get("chat"), tokenizer)
    plan = make_plan(spec.model_copy(update={"data": tuple(data)}))
    sources = tuple(source for source in plan.sources if source.sha256 in digests)
    seen.update(source.sha256 for source in sources)
    is_whole = len(sources) == len(plan.sources) and len(lost) == before
    if not is_whole and (max(spec.shots) or spec.against):
        lost.append(f"the rows of '{spec.task}' depend on all of its sources")
        return None
    return replace(plan, sources=sources) if sources else None


def _is_there(item: str, lost: list[str]) -> bool:
    """Whether an item of `data` names files of this machine that are there."""
    _, place = parse_data_item(item)
    if place == "-":
        lost.append("rows from standard input are not kept")
    elif is_address(place) or is_hub_item(place):
        lost.append(f"'{place}' is not a file of this machine")
    else:
        try:
            resolve_sources([item])
        except SftdataError as error:
            lost.append(_first_line(error))
        else:
            return True
    return False


def _name(spec: Spec | Mixture, plans: Sequence[Plan]) -> str:
    builds = [plan.build for plan in plans]
    return mixture_name(spec, builds) if isinstance(spec, Mixture) else builds[0]


def _first_line(error: SftdataError) -> str:
    return str(error).partition("\n")[0].removesuffix(".")
