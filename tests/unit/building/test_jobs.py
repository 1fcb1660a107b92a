"""Jobs for workers: how their errors are told."""

from __future__ import annotations

from sftdata.building.jobs import describe_rows, explain
from sftdata.errors import SftdataError
from sftdata.examples.maker import BlockRequest
from sftdata.reading.chunks import Chunk

WORK = [
    BlockRequest(Chunk(0, first_row, 10, 100, b"", memoryview(b"")), (0,)) for first_row in (1, 11)
]


def test_a_lack_of_memory_names_the_rows() -> None:
    error = explain(MemoryError(), describe_rows(WORK))
    assert isinstance(error, SftdataError)
    assert str(error).startswith("The memory does not suffice for rows 1 to 20 of source 1.")
    other = ValueError("text")
    assert explain(other, describe_rows(WORK)) is other
