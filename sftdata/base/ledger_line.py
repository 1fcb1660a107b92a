"""One line of the ledger: a source row that is not in the dataset as it was, and why.

The maker of a block doesn't know where its chunk lies, since the same chunk may move from build to
build. So the line has two forms: with its place in a chunk, and with its place in the sources.
"""

from __future__ import annotations

from dataclasses import dataclass

from sftdata.base.reasons import Status


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A line of the ledger file; its fields are the columns."""

    row_id: str
    source: str  # file:line
    status: Status
    reason: str  # a `Reason` or the name of a check
    detail: str


@dataclass(frozen=True, slots=True)
class BlockLedgerLine:
    """A line of a block; `line` counts from the first line of its chunk.

    An unusable row whose source gives it no id has none here: its place in the source is its id.
    """

    row_id: str
    line: int
    status: Status
    reason: str
    detail: str

    def in_source(self, name: str, first_row: int) -> LedgerLine:
        """The line for a chunk that starts at line `first_row` of the source `name`."""
        place = f"{name}:{first_row + self.line}"
        return LedgerLine(self.row_id or place, place, self.status, self.reason, self.detail)
