"""Ledger reasons, doctor checks and presets as Markdown, from the code and pipelines/."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from markdown_text import code, escape, table

from sftdata.base.content import bundled_root
from sftdata.base.reasons import Reason
from sftdata.inspecting.doctor import CHECKS
from sftdata.inspecting.doctor.check import Check
from sftdata.spec.check_rules import CHECKS as ROW_CHECKS
from sftdata.spec.presets import Preset, load_presets

_EXAMPLES = Path(__file__).with_name("doctor_examples.toml")


def list_reasons() -> str:
    """The reasons that are not checks of golden rows."""
    rows = [[code(reason), escape(reason.explanation)] for reason in Reason]
    return table(["Reason", "Meaning"], rows)


def list_row_checks() -> str:
    """The checks of golden rows; their names are reasons, too."""
    rows = [
        [code(name), escape(check.explanation + (" Needs bounds." if check.has_bounds else ""))]
        for name, check in ROW_CHECKS.items()
    ]
    return table(["Check", "A row that fails it"], rows)


def read_doctor_examples() -> dict[str, str]:
    """An example of what each check of `sftdata doctor` finds."""
    examples: dict[str, str] = tomllib.loads(_EXAMPLES.read_text(encoding="utf-8"))
    return examples


def list_doctor_checks() -> str:
    """A section for each check of `sftdata doctor`, under a heading for each topic."""
    return "\n\n".join(_describe_topics())


def _describe_topics() -> Iterator[str]:
    examples = read_doctor_examples()
    for module, checks in groupby(CHECKS, lambda check: check.find.__module__):
        topic = module.rpartition(".")[2].replace("_", " ")
        yield f"## {topic.capitalize()}"
        for check in checks:
            yield _describe(check, examples[check.id])


def _describe(check: Check, example: str) -> str:
    return "\n\n".join(
        [
            f"### {check.id} {{ #{check.id} }}",
            f"**{check.severity}:** {escape(check.title)}.",
            f"Example: {example}",
            f"What to do: {escape(check.way_out)}",
        ]
    )


def list_tasks() -> str:
    """A table of the bundled tasks."""
    rows = []
    for path in sorted((bundled_root() / "pipelines").glob("*.toml")):
        spec = tomllib.loads(path.read_text(encoding="utf-8"))
        if "task" in spec:  # not the presets
            name = f"{code(spec['task'])}<br><small>to {spec['max_length']:,} tokens</small>"
            what = f"{escape(spec['description'])}<br>Fields: {_fields(spec)}"
            rows.append([name, what, _templates(spec)])
    return table(["Task, length", "Rows and their fields", "Templates"], rows)


def _fields(spec: Mapping[str, Any]) -> str:
    """The fields of a spec; those that a row may lack in parentheses."""
    fields = [
        f"({code(name)})" if isinstance(rule, dict) and rule.get("optional") else code(name)
        for name, rule in spec.get("fields", {}).items()
    ]
    return ", ".join(fields) or "those of its sources"


def _templates(spec: Mapping[str, Any]) -> str:
    if "sources" in spec:
        return "mixes " + ", ".join(code(source["spec"]) for source in spec["sources"])
    chosen = spec.get("templates", [spec["template"]] if "template" in spec else [])
    names = [choice if isinstance(choice, str) else choice["id"] for choice in chosen]
    return ", ".join(map(code, names)) or "the tokenizer's chat template"


def list_presets() -> str:
    """A table of training sets for each task."""
    by_task: dict[str, list[str]] = {}
    for name, preset in sorted(load_presets().items(), key=lambda item: item[1].task):
        by_task.setdefault(preset.task, []).append(name)
    presets = load_presets()
    return "\n\n".join(
        f"### {task}\n\n{_preset_table({name: presets[name] for name in names})}"
        for task, names in by_task.items()
    )


def _preset_table(presets: dict[str, Preset]) -> str:
    rows = [
        [
            f"{code(name)}<br><small>{escape(preset.source)}</small>",
            "<br>".join(
                [
                    escape(preset.note),
                    f"Rows: {', '.join(f'{n}&nbsp;{count:,}' for n, count in preset.rows.items())}",
                    *map(escape, preset.mapping),
                    f"License: {escape(preset.license)}",
                ]
            ),
        ]
        for name, preset in presets.items()
    ]
    return table(["Preset, source", "Rows, fields and license"], rows)
