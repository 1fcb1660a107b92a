"""The fields of a task, as its spec writes them: also of a spec that has no template yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.content import find_content, project_root
from sftdata.errors import SpecError
from sftdata.spec.fields import ID, MESSAGES
from sftdata.spec.presets import find_preset, load_presets
from sftdata.spec.toml import read_toml


@dataclass(frozen=True, slots=True)
class TaskFields:
    """The fields that a template of the task may use, in the order of the spec."""

    names: tuple[str, ...]
    optional: frozenset[str] = frozenset()  # empty in some rows
    target: str | None = None  # the spec's `target_field`


def find_task_fields(template_id: str, file: Path | None = None) -> TaskFields | None:
    """The fields for a template: of the spec in `file`, or of the one that is its task's.

    That is `pipelines/TASK.toml`, or else a spec in `pipelines/` or in the working directory that
    names the template or the task. None if there is none, or if its rows are conversations.
    """
    if file is not None:
        return _read_fields(read_toml(file))
    for values in _specs_of(template_id):
        if fields := _read_fields(values):
            return fields
    return None


def _specs_of(template_id: str) -> Iterator[dict[str, Any]]:
    task = template_id.partition("/")[0]
    path = find_content("pipelines", f"{task}.toml")
    if path is not None:
        yield read_toml(path)
    folders = (project_root() / "pipelines", Path.cwd())
    found = [_try_to_read(path) for folder in folders for path in sorted(folder.glob("*.toml"))]
    yield from (values for values in found if template_id in _template_ids(values))
    yield from (values for values in found if values.get("task") == task)


def _try_to_read(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except SpecError:
        return {}  # perhaps not a spec


def _template_ids(values: Mapping[str, Any]) -> list[str]:
    listed = values.get("template", values.get("templates", ()))
    choices = listed if isinstance(listed, list) else [listed]
    ids = (choice.get("id") if isinstance(choice, dict) else choice for choice in choices)
    return [str(name).partition("@")[0] for name in ids]


def _read_fields(values: Mapping[str, Any]) -> TaskFields | None:
    fields = values.get("fields")
    if not isinstance(fields, dict):
        preset = load_presets().get(str(values.get("preset") or find_preset(values.get("data"))))
        fields = {name: rule.to_json() for name, rule in preset.fields.items()} if preset else {}
    names = tuple(name for name in fields if name != ID)
    if not names or MESSAGES in names:
        return None
    optional = {n for n in names if isinstance(fields[n], dict) and fields[n].get("optional")}
    target = values.get("target_field")
    return TaskFields(names, frozenset(optional), target if target in names else None)
