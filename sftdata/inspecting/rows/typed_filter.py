"""The filter that a reader types in the browser: `split=test min=100 finding=email-address`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc

from sftdata.base.reasons import Status
from sftdata.errors import SftdataError, did_you_mean
from sftdata.inspecting.doctor.checks import CHECKS
from sftdata.inspecting.rows.select import RowFilter, RowSet, find_rows
from sftdata.writing.ledger import read_ledger

_FIELDS = {
    "task": "task",
    "template": "template",
    "min": "min_tokens",
    "max": "max_tokens",
    "reason": "reason",
    "finding": "finding",
}
_NO_PLACES = np.empty(0, np.int64)
CONDITIONS = ("split", *_FIELDS)


def filter_rows(rows: RowSet, typed: str) -> RowSet:
    """The rows that meet the typed conditions; all rows if nothing is typed.

    Raises `SftdataError` for a condition that is unknown, or that no row can meet.
    """
    if not typed.strip():
        return rows
    conditions: dict[str, str | int] = {}
    splits = list(rows.places)
    for part in typed.split():
        name, _, value = part.partition("=")
        if name not in CONDITIONS or not value:
            raise SftdataError(
                f"Unknown condition '{part}'.", did_you_mean(name, CONDITIONS), code="E102"
            )
        if name == "split":
            splits = [rows.data[value].name]
        elif name in ("min", "max"):
            if not value.isdecimal():
                raise SftdataError(f"'{value}' is not a number of tokens.", code="E102")
            conditions[_FIELDS[name]] = int(value)
        else:
            conditions[_FIELDS[name]] = value
    found = find_rows(rows.data, splits, RowFilter(**conditions))  # type: ignore[arg-type]
    own = {name: rows.places.get(name, _NO_PLACES) for name in found.places}
    both = {name: np.intersect1d(places, own[name]) for name, places in found.places.items()}
    return RowSet(rows.data, both)


def list_conditions(rows: RowSet) -> list[str]:
    """Every condition on a name that a row may meet, such as `split=test`."""
    manifest = rows.data.manifest
    lines = read_ledger(manifest)
    reasons = pc.unique(lines.filter(pc.field("status") != Status.DROPPED)["reason"]).to_pylist()
    values: dict[str, Sequence[str]] = {
        "split": list(rows.places),
        "template": list(manifest["template"]),
        "reason": reasons,
        "finding": [check.id for check in CHECKS],
    }
    named = [f"{name}={value}" for name, of_name in values.items() for value in of_name]
    return [*named, *(f"{name}=" for name in CONDITIONS)]


def complete(typed: str, conditions: Sequence[str]) -> str | None:
    """`typed` with its last word completed; None if no condition begins with it."""
    before, space, word = typed.rpartition(" ")
    starts = [one for one in conditions if word and one.startswith(word)]
    return None if not starts else f"{before}{space}{starts[0]}"
