"""Doctor: checks over a whole data set, each with an id, a severity, a count and a way out."""

from __future__ import annotations

from sftdata.doctor.checks import CHECKS
from sftdata.doctor.examination import examine
from sftdata.doctor.finding import Finding

__all__ = ["CHECKS", "Finding", "examine"]
