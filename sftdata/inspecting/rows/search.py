"""Search rows: the next one that holds a text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import numbers, to_flags, to_numbers
from sftdata.inspecting.rows.select import RowSet
from sftdata.tokenizing.decoder import Decoder

_ROWS_AT_ONCE = 512


def find_text(
    rows: RowSet,
    decoder: Decoder,
    wanted: str,
    start: int,
    go_on: Callable[[], bool] = lambda: True,
) -> int | None:
    """The number of the first row with `wanted` in its id or decoded text; case is ignored.

    The search begins at `start`, and goes on with the first row after the last. None when no row
    has it, or when `go_on`, called once a batch, returns False.
    """
    total = len(rows)
    for first in (*range(start, total, _ROWS_AT_ONCE), *range(0, start, _ROWS_AT_ONCE)):
        if not go_on():
            return None
        last = min(first + _ROWS_AT_ONCE, total if first >= start else start)
        found = _first_match(rows, decoder, wanted, range(first, last))
        if found is not None:
            return found
    return None


def _first_match(rows: RowSet, decoder: Decoder, wanted: str, among: range) -> int | None:
    first = among.start
    for split, places in rows.split_places(among):
        table = rows.data[split].to_arrow().select(["row_id", "input_ids"])
        taken = table.take(numbers(places)).combine_chunks()
        ids = taken.column("input_ids").chunk(0)
        texts = decoder.decode(to_numbers(ids.values), to_numbers(ids.offsets))
        of_text, of_id = (
            to_flags(pc.match_substring(column.cast(pa.large_string()), wanted, ignore_case=True))
            for column in (texts, taken.column("row_id").chunk(0))
        )
        matches = np.flatnonzero(of_text | of_id)
        if len(matches):
            return first + int(matches[0])
        first += len(places)
    return None
