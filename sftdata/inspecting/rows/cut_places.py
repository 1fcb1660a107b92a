"""The places where a shown row was cut, from its ledger line and its template."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import texts
from sftdata.base.reasons import Status
from sftdata.errors import SftdataError
from sftdata.rendering.template import Field
from sftdata.versioning.releases import load_template
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import Manifest

_KEPT = re.compile(r"(\w+): kept ([\d,]+) of [\d,]+ characters")


@dataclass(frozen=True)
class RowCut:
    """The ledger's detail on a cut row, and the places in its prompt where text is missing.

    `places` (characters) is empty when they are unknown: the recorded template is gone or needs
    Jinja, or the tokenizer changed the text.
    """

    detail: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class CutFinder:
    """Finds the cuts of a dataset's rows."""

    manifest: Manifest
    _around: dict[tuple[str, str], tuple[str, str] | None] = field(default_factory=dict)

    @cached_property
    def _lines(self) -> pa.Table:
        lines = read_ledger(self.manifest)
        return lines.filter(pc.field("status") == Status.CUT)

    def find(self, row_id: str, task: str, template: str, prompt: str) -> RowCut | None:
        """The cut of a row, or None if it was not cut."""
        place = pc.index(self._lines.column("row_id"), texts([row_id]).cast(pa.string())[0])
        if place.as_py() < 0:
            return None
        detail = str(self._lines.column("detail")[place.as_py()].as_py())
        kept = _KEPT.match(detail)
        around = self._text_around(template, kept[1]) if kept else None
        if not kept or not around:
            return RowCut(detail, ())
        size, (before, after) = int(kept[2].replace(",", "")), around
        end = prompt.rfind(after) if after else len(prompt)
        start = end - size
        if start < 0 or not prompt[:start].endswith(before):
            return RowCut(detail, ())
        keep = self._keep(task)
        return RowCut(detail, {"start": (end,), "end": (start,)}.get(keep, (start, end)))

    def _keep(self, task: str) -> str:
        """The part of a cut field that the task keeps: "start", "end" or "middle"."""
        spec = self.manifest["spec"] or {}  # older versions recorded none
        specs = {part["spec"]["task"]: part["spec"] for part in spec.get("sources", ())}
        return str(specs.get(task, spec).get("keep", "start"))

    def _text_around(self, template: str, field: str) -> tuple[str, str] | None:
        if (template, field) not in self._around:
            sha256 = str(self.manifest["template"].get(template))
            self._around[template, field] = _read_text_around(template, sha256, field)
        return self._around[template, field]


def _read_text_around(label: str, sha256: str, field: str) -> tuple[str, str] | None:
    """The template's own text right before and after a field of its prompt.

    The outer ends are stripped: chat messages are. None when the recorded template is gone.
    """
    try:
        template = load_template(f"{label.partition('@')[0]}@sha256:{sha256}")
    except SftdataError:
        return None
    parts = template.blocks["prompt"].parts
    if parts is None or Field(field) not in parts:
        return None
    at = len(parts) - 1 - parts[::-1].index(Field(field))
    before, after = (
        part if isinstance(part, str) else ""
        for part in (parts[at - 1] if at else "", parts[at + 1] if at + 1 < len(parts) else "")
    )
    return before.lstrip(), after.rstrip()
