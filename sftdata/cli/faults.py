"""The error of a command that found a dataset damaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sftdata.errors import VerificationError

_SHOWN = 20


def damaged(dataset: Path, faults: Sequence[str]) -> VerificationError:
    """An error (exit code 3) that shows the first faults and how many more there are."""
    lines = [f"{dataset} does not agree with its manifest:", *faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        lines.append(f"… and {len(faults) - _SHOWN:,} more")
    return VerificationError("\n".join(lines), "Build it again; intact parts are reused.")
