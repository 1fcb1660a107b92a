"""RowOutcomes: what happens to the rows of a batch on their way to examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sftdata.base.reasons import Status


class RowOutcomes:
    """Status, reason and detail of every row that is dropped, cut or flagged.

    A row is dropped or cut for the first reason found.
    """

    def __init__(self, rows: int) -> None:
        self.dropped = np.zeros(rows, np.bool_)
        self._entries: dict[tuple[int, Status, str], str] = {}

    def add_outcome(self, row: int, status: Status, reason: str, detail: str) -> None:
        """Adds an outcome. Does nothing for a row that is dropped already."""
        if self.dropped[row]:
            return
        self._entries[row, status, reason] = detail
        if status == Status.DROPPED:
            self.dropped[row] = True

    def __iter__(self) -> Iterator[tuple[int, Status, str, str]]:
        """Row, status, reason and detail; for a dropped row only the reason it was dropped for."""
        for (row, status, reason), detail in self._entries.items():
            if status == Status.DROPPED or not self.dropped[row]:
                yield row, status, reason, detail
