"""Load a spec or a mixture from a TOML file and lay the options over it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from sftdata.base.content import bundled_root, find_content, list_content, shown_path
from sftdata.base.files import exists
from sftdata.errors import SpecError, did_you_mean
from sftdata.spec.contradictions import refuse_contradictions, validate_spec
from sftdata.spec.data_items import expand_data
from sftdata.spec.fields import ID
from sftdata.spec.idle_keys import find_idle_keys
from sftdata.spec.model import Mixture, Spec
from sftdata.spec.places import place_paths
from sftdata.spec.presets import apply_preset, find_preset, lay_over
from sftdata.spec.toml import read_toml
from sftdata.spec.toml_lines import find_line
from sftdata.spec.validate import Locate, name_place, validate

# Keys that a mixture may set for all of its sources.
_SHARED = (
    "tokenizer", "max_length", "seed", "chat", "chat_options", "chat_template", "date",
    "text_tokens", "shots", "split", "keep", "max_dropped", "nul", "quoting", "id_prefix",
    "duplicates", "near_duplicates", "against", "against_overlap",
)  # fmt: skip
_FACTS = ("description", "license", "language")  # of the rows, for the dataset card
_NO_ID = "none"  # as the path of the id: the rows have none


def load_spec(
    *, task: str | None = None, file: Path | None = None, **overrides: Any
) -> Spec | Mixture:
    """The spec of a task (`pipelines/<task>.toml`) or in a file, with the overrides laid over it.

    None overrides nothing; `fields` is merged with the fields of the spec.
    Raises `SpecError` with every fault at once, also for a key that would have no effect.
    """
    if task is not None and file is not None:
        raise SpecError(
            f"Both the task '{task}' and the spec {file} are given.",
            "Give one of them.",
            code="E102",
        )
    path = file if file is not None else _find_task_file(task or "")
    given = {name: value for name, value in overrides.items() if value is not None}
    values = place_paths(read_toml(path), path)
    if "sources" in values:
        return _load_mixture(path, values, given)
    spec = _read_spec(path, values, given)
    _check_effects(find_idle_keys(spec), path, _locator(path, given))
    return spec.with_mapped({*spec.mapped, *given.get("fields", {})})


def _read_spec(path: Path, values: dict[str, Any], given: dict[str, Any]) -> Spec:
    if "data" in given and path.is_relative_to(bundled_root()):
        # The facts of a bundled spec are about its sample, not about other rows.
        values = {k: v for k, v in values.items() if k not in _FACTS}
    merged = _merge(values, given)
    fields = merged.get("fields")
    no_id = False
    if isinstance(fields, dict) and fields.get(ID) == _NO_ID:
        no_id = True
        merged["fields"] = {name: rule for name, rule in fields.items() if name != ID}
    spec = validate_spec(merged, _with_options(path), _locator(path, given))
    return spec.with_mapped({ID}) if no_id else spec


def _locator(path: Path, given: Collection[str] = ()) -> Locate:
    """Finds the lines of the keys in the file that the options do not replace."""

    def locate(keys: Sequence[str | int]) -> int | None:
        if not keys or keys[0] in given:
            return None
        text = path.read_text(encoding="utf-8")
        line = find_line(text, keys) or find_line(text, ("mixture", *keys))
        return line or (find_line(text, ["template"]) if keys[0] == "templates" else None)

    return locate


def _check_effects(idle: Mapping[str, str], path: Path, locate: Locate) -> None:
    if idle:
        lines = [f"  {name_place([k], locate)}: has no effect: {why}" for k, why in idle.items()]
        raise SpecError("\n".join((f"Faults in {_with_options(path)}:", *lines)))


def find_spec(task: str) -> Spec | None:
    """The spec of a task; None if the task is unknown or a mixture."""
    if find_content("pipelines", f"{task}.toml") is None:
        return None
    spec = load_spec(task=task)
    return spec if isinstance(spec, Spec) else None


def spec_from_json(value: Mapping[str, Any] | None) -> Spec | Mixture:
    """The spec that a manifest records. Raises `SpecError` with its faults, and for none."""
    source = "the recorded spec"
    if value is None:
        raise SpecError(
            "The dataset does not record its spec; an older sftdata wrote it.",
            "Build the dataset again with this version first.",
            code="E703",
        )
    if "sources" not in value:
        return validate_spec(value, source)
    mixture = validate(Mixture, value, source)
    for part in mixture.sources:
        refuse_contradictions(part.spec, f"{source} of '{part.name}'")
    return mixture


def _load_mixture(path: Path, values: dict[str, Any], given: dict[str, Any]) -> Mixture:
    for name in sorted(given.keys() - {*_SHARED, *_FACTS}):
        raise SpecError(
            f"{path} is a mixture: each of its sources has its own '{name}'.",
            "Set it in that source's table, or build its task alone.",
        )
    facts = {name: given.pop(name) for name in _FACTS if name in given}
    shared = {name: values.pop(name) for name in _SHARED if name in values} | given
    sources: list[dict[str, Any]] = []
    idle: list[dict[str, str]] = []
    listed = values["sources"]
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise SpecError(f"{path}: 'sources' must be tables.", "Write [[sources]] above each.")
    _check_source_keys(path, listed)
    for item in listed:
        own = dict(item)
        mixed = {name: own.pop(name) for name in ("name", "weight", "cap") if name in own}
        base = str(own.pop("spec", ""))
        beside = path.parent / base
        is_file = base.endswith(".toml") and exists(beside) and beside.is_file()
        file = beside if is_file else _find_task_file(base, named_in=path)
        spec = _read_spec(file, place_paths(read_toml(file), file), shared | own)
        idle.append(find_idle_keys(spec))
        without = {k: why for k, why in idle[-1].items() if k not in shared}
        _check_effects(without, file, _locator(file, own))
        sources.append({"name": file.stem} | mixed | {"spec": spec})
    # A key for all sources may have no effect in some of them.
    everywhere = set(shared).intersection(*idle) if idle else set()
    common = {key: idle[0][key] for key in sorted(everywhere)}
    _check_effects(common, path, _locator(path, given))
    weighted = [source["name"] for source in sources if "weight" in source]
    if weighted and len(weighted) < len(sources):
        others = ", ".join(str(s["name"]) for s in sources if "weight" not in s)
        raise SpecError(
            f"{path}: some sources have a weight and some have none: {others}.",
            "Give each source a weight, or none: then each counts as much as it holds.",
        )
    mixture = values.pop("mixture", {})
    if not isinstance(mixture, dict):
        raise SpecError(f"{path}: 'mixture' must be a table.", "Write [mixture] above its keys.")
    seed = {"seed": shared["seed"]} if "seed" in shared else {}
    values = values | facts | mixture | seed | {"sources": sources}
    loaded = validate(Mixture, values, _with_options(path), _locator(path, given))
    if weighted and len(sources) == 1:
        why = "it counts beside those of other sources, and there is only one"
        line = find_line(path.read_text(encoding="utf-8"), ("sources", 0, "weight"))
        _check_effects({"weight": why}, path, lambda keys: line)
    return loaded


def _check_source_keys(path: Path, listed: Sequence[Mapping[str, Any]]) -> None:
    """Raises for keys of a mixture's sources that neither a source nor a spec has."""
    known = {"name", "weight", "cap", "spec", "template", *Spec.model_fields}
    faults = [
        f"  {name_place(['sources', at, key], _locator(path))}: unknown key. "
        f"{did_you_mean(key, known)}"
        for at, item in enumerate(listed)
        for key in item
        if key not in known
    ]
    if faults:
        raise SpecError("\n".join((f"Faults in {_with_options(path)}:", *faults)))


def _merge(values: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = values | given
    if "data" in merged:
        merged["data"] = expand_data(merged["data"])
    if isinstance(values.get("fields"), dict):
        merged["fields"] = lay_over(values["fields"], given.get("fields", {}))
    if {"template", "templates"} & given.keys():
        merged = {k: v for k, v in merged.items() if k not in ("template", "templates")}
        merged["templates"] = given.get("templates", given.get("template"))
    if preset := merged.get("preset") or find_preset(merged.get("data")):
        merged = apply_preset(preset, merged, options=given, own=_own_keys(values, given))
    return merged


def _own_keys(values: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The keys of a spec that go before those of a preset: all, if the spec itself names it."""
    names_it = "preset" in values or find_preset(values.get("data"))
    return values if names_it and not {"preset", "data"} & given.keys() else {}


def _with_options(path: Path) -> str:
    return f"{shown_path(path)} and the options given"


def _find_task_file(task: str, named_in: Path | None = None) -> Path:
    path = find_content("pipelines", f"{task}.toml")
    if path is None or task == "presets":
        known = [n for n in list_content("pipelines", "*.toml") if n != "presets"]
        where = f"{shown_path(named_in)}: " if named_in else ""
        hint = did_you_mean(task, known)
        if exists(Path(task)) and Path(task).is_file():
            hint = f"It is a file of rows: give it as data='{task}' in Python, or --data {task}"
        raise SpecError(f"{where}There is no task '{task}'.", hint, code="E402")
    return path
