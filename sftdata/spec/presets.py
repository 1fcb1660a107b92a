"""Presets: how the columns of typical public datasets map to golden fields.

They are content, in `pipelines/presets.toml`, with the facts of each set's card.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from sftdata.base.content import content_folders
from sftdata.errors import SpecError, did_you_mean
from sftdata.spec.fields import FieldRule
from sftdata.spec.validate import Within, Written, validate

_FILE = "presets.toml"
_PRESET = "preset:"


@dataclass(frozen=True, kw_only=True)
class Preset(Written):
    """A public dataset: its facts, and how its rows become golden rows."""

    hub: str  # its name on the Hub
    config: str | None = None
    task: str
    license: str
    columns: tuple[str, ...]
    rows: Annotated[dict[str, int], Within(min_length=1)]  # split → rows, as its card says
    fields: dict[str, FieldRule]
    where: dict[str, Any] = field(default_factory=dict)
    group: str | None = None
    note: str = ""

    @property
    def source(self) -> str:
        """What `data` says to read its training split, or its first, from the Hub."""
        config = f"@{self.config}" if self.config else ""
        split = "" if "train" in self.rows else f":{next(iter(self.rows))}"
        return f"{HUB}{self.hub}{config}{split}"

    @property
    def mapping(self) -> list[str]:
        """How its columns become golden fields, a line for each rule."""
        lines = [f"{name} ← {_told(rule)}" for name, rule in self.fields.items()]
        lines += [f"only where {path} = {value}" for path, value in self.where.items()]
        return lines + ([f"one split for each {self.group}"] if self.group else [])

    def to_json(self) -> dict[str, Any]:
        """Its facts, with `data` as the source to build from."""
        return {"data": self.source, **super().to_json()}


def _told(rule: FieldRule) -> str:
    if rule.value is not None:
        return f"'{rule.value}'"
    return (
        " or ".join(rule.paths)
        + (" without its prefix" if rule.strip_prefix else "")
        + (" (may be empty)" if rule.optional else "")
    )


def load_presets(task: str | None = None) -> dict[str, Preset]:
    """Every preset by name, those of the task if one is given; one's own come after the bundled.

    Raises `SpecError` for a file that cannot be used, or a task that no preset is for.
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
        raise SpecError(f"No preset is for the task '{task}'.", did_you_mean(task, tasks))
    return {name: preset for name, preset in presets.items() if preset.task == task}


def _read_presets(path: Path) -> dict[str, Preset]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: not a TOML file: {error}") from error
    return {
        name: validate(Preset, table, f"{path}: '{name}' is not a preset")
        for name, table in tables.items()
    }


def preset_of(data: Sequence[str]) -> str | None:
    """The preset that the first item of `data` names, by `preset:NAME` or its name on the Hub."""
    first = data[0] if data and not isinstance(data, str) else ""
    if first.startswith(_PRESET):
        return first.removeprefix(_PRESET)
    if first.startswith(HUB):
        hub, config, _ = parse_hub(first)
        for name, preset in load_presets().items():
            if preset.hub == hub and config in ("", preset.config):
                return name
    return None


def lay_over_preset(
    values: Mapping[str, Any], name: str, keep: Mapping[str, Any]
) -> dict[str, Any]:
    """The spec's values with those of the preset over them; what is in `keep` stays on top.

    Raises `SpecError` for a preset that does not exist.
    """
    presets = load_presets()
    if name not in presets:
        raise SpecError(f"There is no preset '{name}'.", did_you_mean(name, presets))
    preset = presets[name]
    compared = {values[key] for key in ("source_field", "target_field") if key in values}
    if missing := compared - preset.fields.keys() - dict(keep.get("fields", {})).keys():
        raise SpecError(
            f"The preset '{name}' has no field '{min(missing)}', which this spec is about; it is "
            f"for the task '{preset.task}'.",
            f"Build that: --task {preset.task} --data {_PRESET}{name}",
        )
    laid = dict(values) | {"preset": name, "license": preset.license}
    fields = {name: rule.to_json() for name, rule in preset.fields.items()}
    # Fields of the task that the set has no column for cannot be kept: they would not be found.
    laid["fields"] = fields | dict(keep.get("fields", {}))
    laid["where"] = keep.get("where", preset.where)
    if preset.group is not None:
        laid["group"] = keep.get("group", preset.group)
    laid["data"] = [
        preset.source if item == f"{_PRESET}{name}" else _with_config(item, preset)
        for item in values.get("data", ())
    ]
    return laid


def _with_config(item: str, preset: Preset) -> str:
    """A name on the Hub with the preset's configuration where it names none."""
    bare = f"{HUB}{preset.hub}"
    if preset.config is None or not (item == bare or item.startswith(f"{bare}:")):
        return item
    return item.replace(bare, f"{bare}@{preset.config}", 1)


HUB = "hf:"


def parse_hub(item: str) -> tuple[str, str, str]:
    """Name, configuration and split of `hf:NAME[@CONFIG][:SPLIT]`; "" for what is left out."""
    place, _, split = item.removeprefix(HUB).partition(":")
    name, _, config = place.partition("@")
    return name, config, split
