"""Presets: how the columns of typical public data sets map to golden fields.

They are content, in `pipelines/presets.toml`, with the facts of each set's card.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sftdata.content import find_content
from sftdata.errors import SpecError, did_you_mean
from sftdata.golden.mapping import FieldRule

_FILE = "presets.toml"
_PRESET, _HUB = "preset:", "hf:"


class Preset(BaseModel):
    """A public data set: its facts, and how its rows become golden rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hub: str  # its name on the Hub
    config: str | None = None
    task: str
    license: str
    columns: tuple[str, ...]
    rows: dict[str, int | str]  # split → rows, as its card says
    fields: dict[str, FieldRule]
    where: dict[str, Any] = Field(default_factory=dict)
    group: str | None = None
    split_names: dict[str, str] = Field(default_factory=dict)
    note: str = ""

    @property
    def source(self) -> str:
        """What `data` says to read its training split from the Hub."""
        config = f"@{self.config}" if self.config else ""
        return f"{_HUB}{self.hub}{config}"


def load_presets() -> dict[str, Preset]:
    """Every preset by name, in the order of the file."""
    path = find_content("pipelines", _FILE)
    if path is None:
        return {}
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: Preset.model_validate(table) for name, table in tables.items()}


def preset_of(data: Sequence[str]) -> str | None:
    """The preset that the first item of `data` names, by `preset:NAME` or its name on the Hub."""
    first = data[0] if data and not isinstance(data, str) else ""
    if first.startswith(_PRESET):
        return first.removeprefix(_PRESET)
    if first.startswith(_HUB):
        hub = first.removeprefix(_HUB).partition(":")[0].partition("@")[0]
        return next((name for name, preset in load_presets().items() if preset.hub == hub), None)
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
    laid = dict(values) | {"preset": name, "license": preset.license}
    fields = {field: rule.model_dump() for field, rule in preset.fields.items()}
    # Fields of the task that the set has no column for cannot be kept: they would not be found.
    laid["fields"] = fields | dict(keep.get("fields", {}))
    laid["where"] = keep.get("where", preset.where)
    if preset.group is not None:
        laid["group"] = keep.get("group", preset.group)
    laid["data"] = [
        preset.source if item == f"{_PRESET}{name}" else item for item in values.get("data", ())
    ]
    return laid
