"""Presets: how the columns of well-known public datasets map to golden fields.

They are content, in `pipelines/presets.toml`, with the facts from the card of each dataset.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from sftdata.base.content import content_folders
from sftdata.errors import SpecError, did_you_mean
from sftdata.spec.data_items import parse_data_item
from sftdata.spec.fields import ID, FieldRule
from sftdata.spec.toml import read_toml
from sftdata.spec.validate import SpecModel, validate

HUB = "hf:"  # a dataset on the Hugging Face Hub, in `data`
PRESET = "preset:"  # a dataset by the name of its preset, in `data`
_FILE = "presets.toml"


class Preset(SpecModel):
    """A public dataset: its facts, and how its rows become golden rows."""

    hub: str  # its name on the Hub
    config: str | None = None
    task: str
    license: str
    columns: tuple[str, ...]
    rows: dict[str, int] = Field(min_length=1)  # split → rows, from its card
    fields: dict[str, FieldRule]
    where: dict[str, Any] = Field(default_factory=dict)
    group: str | None = None
    note: str = ""

    @property
    def source(self) -> str:
        """The item of `data` that reads it from the Hub: its splits, or the first without train."""
        config = f"@{self.config}" if self.config else ""
        split = "" if "train" in self.rows else f":{next(iter(self.rows))}"
        return f"{HUB}{self.hub}{config}{split}"

    @property
    def mapping(self) -> list[str]:
        """How its columns become golden fields, a line for each rule."""
        lines = [f"{name} ← {_describe(rule)}" for name, rule in self.fields.items()]
        lines += [f"only where {path} = {value}" for path, value in self.where.items()]
        return lines + ([f"one split for each {self.group}"] if self.group else [])

    def to_json(self) -> dict[str, Any]:
        """Its facts, with `data` as the source to build from."""
        return {"data": self.source, **super().to_json()}


def _describe(rule: FieldRule) -> str:
    if rule.value is not None:
        return f"'{rule.value}'"
    return (
        " or ".join(rule.paths)
        + (" without its prefix" if rule.strip_prefix else "")
        + (" (may be empty)" if rule.optional else "")
    )


def load_presets(task: str | None = None) -> dict[str, Preset]:
    """Presets by name, all or those of one task; the user's own follow the bundled ones.

    Raises `SpecError` for a file with faults, or a task without presets.
    """
    presets: dict[str, Preset] = {}
    for folder in reversed(content_folders("pipelines")):
        path = folder / _FILE
        if path.is_file():
            presets |= _read_presets(path)
    if task is None:
        return presets
    tasks = {preset.task for preset in presets.values()}
    if task not in tasks:
        raise SpecError(
            f"No preset is for the task '{task}'.", did_you_mean(task, tasks), code="E402"
        )
    return {name: preset for name, preset in presets.items() if preset.task == task}


def _read_presets(path: Path) -> dict[str, Preset]:
    return {
        name: validate(Preset, table, f"the preset '{name}' in {path}")
        for name, table in read_toml(path).items()
    }


def find_preset(data: Any) -> str | None:
    """The preset that the first item of `data` names, by `preset:NAME` or its name on the Hub."""
    first = data[0] if isinstance(data, (list, tuple)) and data else None
    if not isinstance(first, str):
        return None
    first = parse_data_item(first)[1]
    if first.startswith(PRESET):
        return first.removeprefix(PRESET)
    if is_hub_item(first):
        hub, config, _ = parse_hub_item(first)
        for name, preset in load_presets().items():
            if preset.hub == hub and config in ("", preset.config):
                return name
    return None


def apply_preset(
    name: str, values: Mapping[str, Any], options: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of a spec with those of the preset over them; then its `own` keys and the options.

    Raises `SpecError` for a preset that does not exist, or that lacks a field the spec needs.
    """
    presets = load_presets()
    if name not in presets:
        raise SpecError(
            f"There is no preset '{name}'.", did_you_mean(str(name), presets), code="E402"
        )
    preset = presets[name]
    data = values.get("data")
    first = data[0] if isinstance(data, (list, tuple)) and data else None
    if isinstance(first, str) and first.startswith(PRESET) and first != f"{PRESET}{name}":
        raise SpecError(
            f"Both '{first}' and the preset '{name}' are given.", "Give one of them.", code="E402"
        )
    given = dict(own.get("fields", {})) | dict(options.get("fields", {}))
    needed = {str(values[key]) for key in ("source_field", "target_field") if key in values}
    if missing := needed - preset.fields.keys() - given.keys():
        raise SpecError(
            f"The preset '{name}' has no field '{min(missing)}', which this spec needs; the preset "
            f"is for the task '{preset.task}'.",
            f"Build that task: --task {preset.task} --data {PRESET}{name}",
            code="E402",
        )
    # The task's other fields are left out: the dataset has no column for them.
    fields = {field: rule.to_json() for field, rule in preset.fields.items()}
    fields = lay_over(fields | own.get("fields", {}), options.get("fields", {}))
    facts: dict[str, Any] = {"where": preset.where}
    if isinstance(data, (list, tuple)) and all(_is_of(item, name, preset) for item in data):
        facts["license"] = preset.license  # a fact of its own rows, not of a file like them
    if preset.group is not None:
        facts["group"] = preset.group
    said = {key: {**own, **options}[key] for key in facts if key in own or key in options}
    applied = dict(values) | {"preset": name, "fields": fields} | facts | said
    if isinstance(data, (list, tuple)):
        applied["data"] = [_resolve(item, name, preset) for item in data]
    return applied


def lay_over(rules: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of a spec with those given as options over them.

    A path alone changes the path of a rule and keeps its other keys, such as `strip_prefix`.
    """
    return dict(rules) | {name: _with_path(name, rules.get(name), r) for name, r in given.items()}


def _with_path(name: str, rule: Any, given: Any) -> Any:
    if not (isinstance(rule, dict) and isinstance(given, str)) or name == ID:
        return given  # an id that is given is there; one of a bundled spec may be missing
    return {k: v for k, v in rule.items() if k not in ("first", "value")} | {"path": given}


def _is_of(item: Any, name: str, preset: Preset) -> bool:
    """Whether an item of `data` reads the rows of the preset."""
    place = parse_data_item(item)[1] if isinstance(item, str) else ""
    return place == f"{PRESET}{name}" or (
        is_hub_item(place) and parse_hub_item(place)[0] == preset.hub
    )


def _resolve(item: Any, name: str, preset: Preset) -> Any:
    """An item of `data` as a source: the preset's for its name, with its configuration if bare."""
    split, place = parse_data_item(item) if isinstance(item, str) else (None, item)
    if split is not None:
        return f"{split}={_resolve(place, name, preset)}"
    if item == f"{PRESET}{name}":
        return preset.source
    bare = f"{HUB}{preset.hub}"
    if preset.config is None or not (item == bare or str(item).startswith(f"{bare}:")):
        return item
    return item.replace(bare, f"{bare}@{preset.config}", 1)


def is_hub_item(place: str) -> bool:
    """Whether the place is a dataset on the Hub; `hf://…` is the address of a file there."""
    return place.startswith(HUB) and not place.startswith(f"{HUB}//")


def parse_hub_item(item: str) -> tuple[str, str, str]:
    """Name, configuration and split of `hf:NAME[@CONFIG][:SPLIT]`; "" for a part left out."""
    place, _, split = item.removeprefix(HUB).partition(":")
    name, _, config = place.partition("@")
    return name, config, split
