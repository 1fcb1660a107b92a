"""SARIF: the checks as rules, the findings as results."""

from __future__ import annotations

import json
from collections.abc import Callable

from support.planted import in_targets

from sftdata.inspecting.doctor import CHECKS, diagnose
from sftdata.inspecting.doctor.finding import Finding, FoundRow
from sftdata.inspecting.doctor.sarif import to_sarif
from sftdata.loading.dataset import Dataset


def test_sarif_has_a_rule_for_each_check_and_a_result_for_each_finding(
    write: Callable[..., Dataset],
) -> None:
    data = write(in_targets("N/A", "")())
    findings = diagnose(data)
    sarif = json.loads(json.dumps(to_sarif(findings, data.manifest)))
    (run,) = sarif["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert sarif["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == [check.id for check in CHECKS]
    assert [result["ruleId"] for result in run["results"]] == [f.id for f in findings]
    for result, finding in zip(run["results"], findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == finding.id
        assert result["level"] in ("error", "warning", "note")
        names = [p["name"] for at in result["locations"] for p in at["logicalLocations"]]
        assert names == list(finding.row_ids)


def test_a_location_is_the_line_of_the_source_or_else_the_manifest(
    write: Callable[..., Dataset],
) -> None:
    manifest = write(in_targets("N/A")()).manifest
    rows = (
        FoundRow("a", "my data/rows.jsonl:17", "N/A"),
        FoundRow("b", "rows.parquet:3", ""),
        FoundRow("d", "book.XLSX#Sheet 1:3", ""),
        FoundRow("c", "", ""),
    )
    finding = Finding("target-placeholder", "warning", "title", 4, rows, "Fix it.")
    (run,) = to_sarif([finding], manifest)["runs"]
    line, table, sheet, unknown = (at["physicalLocation"] for at in run["results"][0]["locations"])
    assert line == {
        "artifactLocation": {"uri": "my%20data/rows.jsonl"},
        "region": {"startLine": 17, "snippet": {"text": "N/A"}},
    }
    assert table == {"artifactLocation": {"uri": "rows.parquet"}}
    assert sheet == {"artifactLocation": {"uri": "book.XLSX"}}
    assert unknown["artifactLocation"]["uri"].endswith("/manifest.json")
