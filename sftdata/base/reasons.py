"""Why rows are dropped, cut or flagged: the statuses and reasons of ledger lines."""

from __future__ import annotations

DROPPED, CUT, FLAGGED = "dropped", "cut", "flagged"


DUPLICATE, REPEATED_ID, NEAR_DUPLICATE = "duplicate", "repeated_id", "near_duplicate"
