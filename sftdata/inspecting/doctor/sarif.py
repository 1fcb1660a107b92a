"""Findings as SARIF 2.1.0, which code hosts show beside the files of a change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sftdata.base.version import __version__
from sftdata.inspecting.doctor.checks import CHECKS
from sftdata.inspecting.doctor.finding import Finding, FoundRow
from sftdata.spec.data_items import WORKBOOKS, split_sheet
from sftdata.writing.manifest import MANIFEST, Manifest

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# Their places count rows, not lines. In `.json` a row of an array may have several lines.
_WITHOUT_LINES = (".parquet", ".arrow", ".feather", ".json", *WORKBOOKS)


def to_sarif(findings: Sequence[Finding], manifest: Manifest) -> dict[str, Any]:
    """A SARIF run with a rule for each check and a result for each finding.

    The locations of a finding are the source lines of its rows; that of a finding without rows,
    or of rows whose source isn't known, is the manifest.
    """
    rules = [
        {
            "id": check.id,
            "shortDescription": {"text": check.title},
            "help": {"text": check.way_out},
            "defaultConfiguration": {"level": check.severity},
        }
        for check in CHECKS
    ]
    places = {check.id: place for place, check in enumerate(CHECKS)}
    driver = {"name": "sftdata doctor", "semanticVersion": __version__, "rules": rules}
    results = [_result(finding, places[finding.id], manifest) for finding in findings]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _result(finding: Finding, place: int, manifest: Manifest) -> dict[str, Any]:
    detail = f" ({finding.detail})" if finding.detail else ""
    message = f"{finding.count:,}: {finding.title}{detail}. {finding.way_out}"
    whole = {"physicalLocation": _file((manifest.directory / MANIFEST).as_posix())}
    return {
        "ruleId": finding.id,
        "ruleIndex": place,
        "level": finding.severity,
        "message": {"text": message},
        "locations": [_location(row, whole) for row in finding.rows] or [whole],
        "partialFingerprints": {"check/v1": f"{manifest['build']}/{finding.id}"},
        "occurrenceCount": finding.count,
    }


def _location(row: FoundRow, whole: dict[str, Any]) -> dict[str, Any]:
    """The place of a row: its line, or else `whole`."""
    location = {**whole, "logicalLocations": [{"name": row.row_id, "kind": "row"}]}
    path, _, line = row.source.rpartition(":")
    if path and line.isdecimal():
        name = split_sheet(path)[0]
        file = _file(Path(name).as_posix())
        if not name.lower().endswith(_WITHOUT_LINES):
            file["region"] = {"startLine": int(line), "snippet": {"text": row.quote}}
        location["physicalLocation"] = file
    return location


def _file(path: str) -> dict[str, Any]:
    return {"artifactLocation": {"uri": quote(path)}}
