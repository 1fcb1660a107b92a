"""A finding as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

from support.planted import in_targets

from sftdata.inspecting.doctor import diagnose
from sftdata.loading.dataset import Dataset


def test_a_finding_as_json_has_its_fields(write: Callable[..., Dataset]) -> None:
    (finding,) = diagnose(write(in_targets("N/A")()))
    assert json.loads(json.dumps(finding.to_json())) == {
        "id": "target-placeholder",
        "severity": "warning",
        "title": finding.title,
        "count": 1,
        "row_ids": ["r1"],
        "rows": [{"row_id": "r1", "source": "", "quote": "N/A"}],
        "way_out": finding.way_out,
        "detail": "",
    }
