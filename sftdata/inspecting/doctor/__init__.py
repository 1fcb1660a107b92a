"""Doctor: checks over a whole dataset, each with an id, a severity, a count and a remedy."""

from __future__ import annotations

from sftdata.inspecting.doctor.checks import CHECKS
from sftdata.inspecting.doctor.diagnose import diagnose
from sftdata.inspecting.doctor.finding import Finding

__all__ = ["CHECKS", "Finding", "diagnose"]
