"""SARIF: the checks as rules, the findings as results."""

from __future__ import annotations

import json
from collections.abc import Callable

from support.planted import in_targets

from sftdata.inspecting.doctor import CHECKS, diagnose
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
        names = [p["name"] for p in result["locations"][0]["logicalLocations"]]
        assert names == list(finding.row_ids)
