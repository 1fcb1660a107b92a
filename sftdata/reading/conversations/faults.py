"""The fault of a conversation that cannot be used."""

from __future__ import annotations

from sftdata.base.reasons import Reason


class ConversationFault(Exception):  # noqa: N818 - a fault of a row, not of the program
    """Why a conversation cannot become an example. It becomes a ledger line."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
