"""Dropped rows: whether a build may drop so many, and where repeated ids stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pyarrow.compute as pc

from sftdata.base.arrow import texts, to_flags
from sftdata.base.escaping import escape
from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Reason, Status
from sftdata.errors import GoldenSetError
from sftdata.reading.chunks import read_chunks
from sftdata.reading.rows import RowReader
from sftdata.reading.sources import Source
from sftdata.writing.ledger import Ledger

# Drops that were asked for, or that lose nothing: they are reported and never an error.
_WANTED_DROPS = frozenset(
    {Reason.DUPLICATE, Reason.NEAR_DUPLICATE, Reason.FILTERED, Reason.CONTAMINATED}
)


def check_drops(ledger: Ledger, rows: int, max_dropped: float) -> None:
    """Raises `GoldenSetError` if more than `max_dropped` % of `rows` are unusable, or none is left.

    Rows that were dropped on request don't count as unusable.
    """
    faults = [
        line
        for line in ledger.lines
        if line.status == Status.DROPPED and line.reason not in _WANTED_DROPS
    ]
    dropped = sum(ledger.dropped.values())
    share = 100 * len(faults) / rows
    if share <= max_dropped and dropped < rows:
        return
    if len(faults) < rows and share <= max_dropped:
        raise GoldenSetError(
            f"All {rows:,} rows are left out: "
            + ", ".join(f"{n:,} {reason}" for reason, n in ledger.dropped.items())
            + ". Nothing was committed.",
            "Look at the spec's where and against; a dataset cannot be empty.",
        )
    first = faults[0]
    allow = f"Fix the rows, or allow so many to be dropped: --max-dropped {np.ceil(share):g}"
    raise GoldenSetError(
        f"{first.source}: {first.detail} ({first.reason}, row '{escape(first.row_id)}'). "
        f"{len(faults):,} of {rows:,} rows ({share:.3g} %) cannot be used; at most "
        f"{max_dropped:g} % may be dropped. Nothing was committed.",
        allow if dropped < rows else "Fix the rows; a dataset cannot be empty.",
    )


def name_both_places(
    ledger: Ledger, row_ids: Collection[str], sources: Sequence[Source], reader: RowReader
) -> None:
    """Puts both places of each repeated id into its ledger line. Reads the sources once more."""
    if not row_ids:
        return
    places = _find_places(row_ids, sources, reader)
    ledger.lines = [
        replace(line, detail=_name_places(line, places[line.row_id]))
        if line.reason == Reason.REPEATED_ID
        else line
        for line in ledger.lines
    ]


def _name_places(line: LedgerLine, places: Sequence[str]) -> str:
    other = next((place for place in places if place != line.source), line.source)
    return f"the id '{line.row_id}' stands at {other} and at {line.source}, with other fields"


def _find_places(
    row_ids: Collection[str], sources: Sequence[Source], reader: RowReader
) -> dict[str, list[str]]:
    """For each of the ids, `file:line` of every row that has it."""
    wanted = texts(sorted(row_ids))
    places: dict[str, list[str]] = {}
    for index, source in enumerate(sources):
        for chunks in read_chunks(source, index, columns=reader.columns):
            rows = reader.parse(chunks)
            ids = rows.batch.column("row_id")
            for at in np.flatnonzero(to_flags(pc.is_in(ids, wanted))):
                places.setdefault(ids[at].as_py(), []).append(f"{source.name}:{rows.line[at]}")
    return places
