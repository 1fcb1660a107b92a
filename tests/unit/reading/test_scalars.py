"""Values as texts: the documented rule, and what an id can be."""

from __future__ import annotations

import datetime
import math
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from sftdata.reading.scalars import column_texts, is_missing, to_label, to_text

DAY = datetime.date(2026, 1, 31)
MOMENT = datetime.datetime(2026, 1, 31, 12, 5, tzinfo=datetime.UTC)
UUID = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("value", "text", "label"),
    [
        ("x ", "x ", "x "),
        (7, "7", "7"),
        (10**30, "1" + "0" * 30, "1" + "0" * 30),
        (1.0, "1.0", "1"),
        (0.1, "0.1", None),
        (1e300, "1e+300", str(int(1e300))),
        (math.inf, None, None),
        (True, "true", None),
        (Decimal("1.50"), "1.50", None),
        (Decimal("2.00"), "2.00", "2"),
        (Decimal("1E+2"), "100", "100"),
        (DAY, "2026-01-31", "2026-01-31"),
        (MOMENT, "2026-01-31T12:05:00+00:00", "2026-01-31T12:05:00+00:00"),
        (datetime.time(12, 5), "12:05:00", "12:05:00"),
        (UUID, str(UUID), str(UUID)),
        ({"$oid": "00ff"}, None, "00ff"),
        ({"$oid": "00ff", "x": 1}, None, None),
        ([1], None, None),
        (b"x", None, None),
        (datetime.timedelta(days=1), None, None),
    ],
)
def test_a_value_has_one_text_and_may_be_an_id(
    value: Any, text: str | None, label: str | None
) -> None:
    assert not is_missing(value)
    assert (to_text(value), to_label(value)) == (text, label)


@pytest.mark.parametrize("value", [None, math.nan])
def test_null_and_not_a_number_are_missing(value: Any) -> None:
    assert is_missing(value)


@pytest.mark.parametrize(
    ("column", "texts", "labels"),
    [
        (pa.array([1, None]), ["1", None], ["1", None]),
        (pa.array([1.0, math.nan]), ["1.0", None], ["1", None]),
        (pa.array([0.5]), ["0.5"], None),
        (pa.array([True, False]), ["true", "false"], None),
        (pa.array([DAY]), ["2026-01-31"], ["2026-01-31"]),
        (pa.array([Decimal("1.50")]), ["1.50"], None),
        (pa.array([2**64 - 1], pa.uint64()), [str(2**64 - 1)], [str(2**64 - 1)]),
        (pa.array([None], pa.null()), [None], [None]),
        (pa.array([["x"]]), None, None),
    ],
)
def test_a_column_has_the_texts_of_its_values(
    column: pa.Array, texts: list[str | None] | None, labels: list[str | None] | None
) -> None:
    for label, expected in ((False, texts), (True, labels)):
        found = column_texts(pa.chunked_array([column]), label=label)
        assert (found if found is None else found.to_pylist()) == expected
