"""Every check, in the order in which findings are shown."""

from __future__ import annotations

from sftdata.inspecting.doctor.check import Check
from sftdata.inspecting.doctor.checks import (
    balance,
    boundary,
    control_tokens_and_mask,
    duplicates,
    flags,
    languages,
    near_duplicates,
    private_data,
    text_quality,
    whole_set,
)

CHECKS: tuple[Check, ...] = (
    *control_tokens_and_mask.CHECKS,
    *boundary.CHECKS,
    *text_quality.CHECKS,
    *private_data.CHECKS,
    *duplicates.CHECKS,
    *near_duplicates.CHECKS,
    *languages.CHECKS,
    *balance.CHECKS,
    *whole_set.CHECKS,
    *flags.CHECKS,
)
