"""Findings as SARIF 2.1.0, which code hosts show beside the files of a change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sftdata.base.version import __version__
from sftdata.inspecting.doctor.checks import CHECKS
from sftdata.inspecting.doctor.finding import Finding
from sftdata.writing.manifest import MANIFEST, Manifest

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(findings: Sequence[Finding], manifest: Manifest) -> dict[str, Any]:
    """A SARIF run with a rule for each check and a result for each finding.

    The location of a finding is the manifest; its rows are logical locations: they have no lines.
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
    file = {"uri": quote((manifest.directory / MANIFEST).as_posix())}
    return {
        "ruleId": finding.id,
        "ruleIndex": place,
        "level": finding.severity,
        "message": {"text": message},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": file},
                "logicalLocations": [{"name": row, "kind": "row"} for row in finding.row_ids],
            }
        ],
        "partialFingerprints": {"check/v1": f"{manifest['build']}/{finding.id}"},
        "occurrenceCount": finding.count,
    }
