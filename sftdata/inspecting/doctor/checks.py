"""Every check, in the order in which findings are shown."""

from __future__ import annotations

from sftdata.inspecting.doctor import balance, damage, language, private, repeats, tokens
from sftdata.inspecting.doctor.finding import Check

CHECKS: tuple[Check, ...] = (
    *tokens.CHECKS,
    *damage.CHECKS,
    *private.CHECKS,
    *repeats.CHECKS,
    *language.CHECKS,
    *balance.CHECKS,
)
