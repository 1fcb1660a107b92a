"""Find the spec of a build: by task or file, else by the columns of its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sftdata.base.reporting import Report
from sftdata.errors import SpecError, did_you_mean
from sftdata.rendering.source import check_id
from sftdata.spec.data_items import expand_data
from sftdata.spec.load import load_spec
from sftdata.spec.model import Mixture, Spec
from sftdata.spec.presets import find_preset, load_presets
from sftdata.spec.shapes import find_faulty_specs

_DEFAULT_TASK = "summarize"  # of a build without rows of its own


def find_spec_to_build(
    task: str | None, file: Path | None, report: Report, **overrides: Any
) -> Spec | Mixture:
    """The spec of a task or a file, with the overrides laid over it.

    Without either, the task is that of the template or preset that is given, or else the one whose
    columns the rows have; `report` gets a line that says so.
    Raises `SftdataError` with every fault of the spec, or where the rows are of no known shape.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    if task is None and file is None:
        task = _named_task(given)
    if task is None and file is None and "data" in given:
        from sftdata.building.recognize import recognize  # it loads Arrow

        for fault in find_faulty_specs():
            told = " ".join(str(fault).split())
            report(f"The rows are not compared with a spec that has faults. {told}")
        shape = recognize(expand_data(given["data"]), given.get("fields", {}))
        report(f"The rows are taken for {shape.name}: {shape.options}")
        fields = shape.values.get("fields", {}) | given.get("fields", {})
        given = shape.values | given | ({"fields": fields} if fields else {})
        task = shape.task
    if task is None and file is None:
        task = _DEFAULT_TASK
    return load_spec(task=task, file=file, **given)


def _named_task(given: dict[str, Any]) -> str | None:
    """The task of the first template, or of the preset, that the options name."""
    templates = given.get("templates")
    if templates:
        first = str(templates[0] if isinstance(templates, (list, tuple)) else templates)
        check_id(first.partition("@")[0])
        return first.partition("/")[0]
    preset = given.get("preset") or find_preset(expand_data(given.get("data")))
    if preset is None:
        return None
    known = load_presets()
    if preset not in known:
        raise SpecError(f"There is no preset '{preset}'.", did_you_mean(preset, known), code="E402")
    return known[preset].task
