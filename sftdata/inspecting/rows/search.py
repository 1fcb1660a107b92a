"""Search rows: the next one that holds a text, and those whose lengths are far from the others'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import numbers, to_flags, to_numbers
from sftdata.inspecting.rows.select import RowSet
from sftdata.tokenizing.decoder import Decoder

_ROWS_AT_ONCE = 512
_FENCE = 1.5  # interquartile ranges, as in a box plot
_LEAST_REACH = np.log(2.0)  # lengths within a factor of two of each other are alike


@dataclass(frozen=True)
class Outlier:
    """A row far from the others, by its number in the row set."""

    number: int
    why: str


def find_text(
    rows: RowSet,
    decoder: Decoder,
    wanted: str,
    start: int,
    go_on: Callable[[], bool] = lambda: True,
) -> int | None:
    """The number of the first row at or after `start`, round the end, that holds `wanted`.

    Its id or its decoded text holds it, in any case of letters. None when no row does, or
    `go_on`, asked now and then, says no.
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
    for split, places in rows.places_of(among):
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


def find_outliers(rows: RowSet) -> list[Outlier]:
    """Rows with a length, a target length or a ratio of the two far from the others', in order."""
    if not len(rows):
        return []
    splits = [(rows.data[name], at) for name, at in rows.places.items()]
    total = np.concatenate([split.lengths[at] for split, at in splits])
    target = np.concatenate([split.target_counts[at] for split, at in splits])
    size, answer = np.log(total), np.log(np.maximum(target, 1))
    measures = {"tokens": size, "target tokens": answer, "target share": answer - size}
    why: dict[int, str] = {}
    for name, values in measures.items():
        for number, word in _far(values):
            why.setdefault(number, f"{word} {name} than in other rows")
    return [Outlier(number, why[number]) for number in sorted(why)]


def _far(values: npt.NDArray[np.float64]) -> list[tuple[int, str]]:
    low, high = np.quantile(values, [0.25, 0.75])
    reach = max(_FENCE * (high - low), _LEAST_REACH)
    return [
        (int(number), "far more" if values[number] > high else "far fewer")
        for number in np.flatnonzero((values < low - reach) | (values > high + reach))
    ]
