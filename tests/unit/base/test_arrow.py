"""Arrow columns and back: the values stay the same, also in a slice of a column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sftdata.base.arrow import (
    flag,
    flags,
    numbers,
    optional_texts,
    rebase_offsets,
    string_buffers,
    text,
    texts,
    to_flags,
    to_numbers,
)

SKIP = st.integers(0, 12)


@given(st.lists(st.integers(-(2**31), 2**31 - 1)), SKIP)
def test_numbers_come_back(values: list[int], skip: int) -> None:
    column = numbers(np.array(values, np.int32))
    assert column.equals(pa.array(values, pa.int32()))
    assert to_numbers(column[skip:]).tolist() == values[skip:]


@given(st.lists(st.booleans(), max_size=40), SKIP)
def test_flags_come_back(values: list[bool], skip: int) -> None:
    column = flags(np.array(values, np.bool_))
    assert column.equals(pa.array(values, pa.bool_()))
    assert to_flags(column[skip:]).tolist() == values[skip:]


@given(st.lists(st.text()), SKIP)
def test_texts_come_back_and_their_offsets_can_start_at_0(values: list[str], skip: int) -> None:
    column = texts(values)
    assert column.equals(pa.array(values, pa.large_string()))
    rest = rebase_offsets(column[skip:])
    assert rest.to_pylist() == values[skip:]
    offsets, data = string_buffers(rest)
    assert (offsets[0], data.tobytes()) == (0, "".join(values[skip:]).encode())


@given(values=st.lists(st.none() | st.text()))
def test_optional_texts_are_those_of_arrow(values: list[str | None]) -> None:
    column = optional_texts(values)
    column.validate(full=True)
    assert column.equals(pa.array(values, pa.large_string()))
    assert column.null_count == values.count(None)


def test_scalars_are_those_of_arrow() -> None:
    assert text("é") == pa.scalar("é", pa.large_string())
    assert [flag(True).as_py(), flag(False).as_py()] == [True, False]
