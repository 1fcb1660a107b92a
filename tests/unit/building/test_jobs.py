"""Jobs for workers: who does them, and how their errors are told."""

from __future__ import annotations

import pytest

from sftdata.building.jobs import THIS_PROCESS, Workforce, choose_workforce, explain
from sftdata.errors import SftdataError
from sftdata.examples.maker import BlockRequest
from sftdata.reading.chunks import Chunk

WORK = [
    BlockRequest(Chunk(0, first_row, 10, 100, b"", memoryview(b"")), (0,)) for first_row in (1, 11)
]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((1, "local", None), THIS_PROCESS),
        ((3, "local", None), Workforce(3)),
        ((1, "ray", None), Workforce(on_ray=True)),
        ((1, "ray", "head:6379"), Workforce(on_ray=True, address="head:6379")),
        ((2, "ray", None), "--workers 2 has no effect with --engine ray"),
        ((1, "local", "head:6379"), "--address head:6379 has no effect without --engine ray"),
    ],
)
def test_options_choose_the_workers(
    options: tuple[int, str, str | None], expected: Workforce | str
) -> None:
    if isinstance(expected, Workforce):
        assert choose_workforce(*options) == expected
        return
    with pytest.raises(SftdataError, match=expected):
        choose_workforce(*options)


def test_a_lack_of_memory_names_the_rows() -> None:
    error = explain(MemoryError(), WORK)
    assert isinstance(error, SftdataError)
    assert str(error).startswith("The memory does not suffice for rows 1 to 20 of source 1.")
    other = ValueError("text")
    assert explain(other, WORK) is other
