"""Write and read the ledger's details about a conversation that is not taught whole.

The ledger has one text for each row, so these texts are where the facts are recorded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LEFT_OUT = re.compile(r"the first (\d+) of \d+ turns; ")
_UNTAUGHT = re.compile(r"(?:^|; )turn (\d+): ")


def write_left_out(number: int, turns: int, size: str) -> str:
    """The detail of a conversation of `turns` that lost its first turns because of its size."""
    return f"the first {number} of {turns} turns; {size}"


def read_left_out(detail: str) -> int:
    """How many turns were left out."""
    match = _LEFT_OUT.match(detail)
    assert match is not None, detail
    return int(match[1])


def write_untaught(reasons: Sequence[str]) -> str:
    """The detail of a conversation with turns that are not in the loss; see `Layout.untaught`."""
    return "; ".join(reasons)


def read_untaught(detail: str) -> frozenset[int]:
    """The turns that are not in the loss, by index."""
    return frozenset(int(number) - 1 for number in _UNTAUGHT.findall(detail))
