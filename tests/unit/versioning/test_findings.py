"""Findings about templates: the sentence at the end of their list."""

from __future__ import annotations

import pytest

from sftdata.versioning.findings import Level, TemplateFinding, summarize_findings


@pytest.mark.parametrize(
    ("levels", "summary"),
    [
        ([], "No faults."),
        (["note"], "No faults."),
        (["note", "warning"], "No errors, 1 warning."),
        (["warning", "warning"], "No errors, 2 warnings."),
        (["warning", "error"], None),
    ],
)
def test_the_summary_counts_warnings(levels: list[Level], summary: str | None) -> None:
    findings = [TemplateFinding("RULE", level, "news/plain", "", "a fault") for level in levels]
    assert summarize_findings(findings) == summary
