"""The four real golden sets, each with the bundled spec of its task; for tests marked `real`."""

from __future__ import annotations

import functools
import json
from itertools import islice
from pathlib import Path
from typing import Any

import jinja2

from sftdata.base.content import bundled_root
from sftdata.versioning.releases import load_template

TASKS = ("summarize", "translate", "qa", "grammar")
Row = dict[str, str]


def take_rows(shared: Path, task: str, count: int, out: Path) -> list[Row]:
    """The first rows of a real golden set, with ids that are their own, also written to `out`."""
    with (shared / "golden" / f"{task}.jsonl").open(encoding="utf-8") as lines:
        rows = [
            json.loads(line) | {"id": f"{task}-{i}"} for i, line in enumerate(islice(lines, count))
        ]
    out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return rows


@functools.cache
def template_source(label: str) -> str:
    """The text of the template a shard names."""
    return load_template(label).source


@functools.cache
def compiled(source: str) -> jinja2.Template:
    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(bundled_root() / "templates"),
    )
    return environment.from_string(source)


def render_block(source: str, name: str, row: dict[str, Any]) -> str:
    """One block of a template, through plain Jinja."""
    template = compiled(source)
    if name not in template.blocks:
        return ""
    return "".join(template.blocks[name](template.new_context(dict(row))))
