"""The fault of a conversation that cannot be used."""

from __future__ import annotations

from typing import Any

from sftdata.base.reasons import Reason


class ConversationFault(Exception):  # noqa: N818 - a fault of a row, not of the program
    """Why a conversation cannot become an example. It becomes a ledger line."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def kind_of(value: Any) -> str:
    """What a value is, for a message: "a list", "a number (3)"."""
    if isinstance(value, bool):
        return f"a boolean ({str(value).lower()})"
    if isinstance(value, (int, float)):
        return f"a number ({value})"
    kinds = ((str, "text"), ((list, tuple), "a list"), (dict, "an object"), (type(None), "null"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "a value")
