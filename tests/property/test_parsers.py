"""No file makes a parser fail in its own way: a damaged document is read, or is one error of ours.

Each document is damaged by its bytes, and by its values with digests that agree. CI tries a few;
SFTDATA_EXAMPLES says how many of each:
    SFTDATA_EXAMPLES=20000 pytest tests/property/test_parsers.py
`fuzz.py` tries the same parsers with bytes that atheris looks for.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mutated import damaged, edited
from support.parsers import PARSERS
from support.parsers.datasets import arrow_file
from support.parsers.parser import Parser, read_or_refuse

quick = settings(
    max_examples=int(os.environ.get("SFTDATA_EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def parser(request: pytest.FixtureRequest) -> Parser:
    return PARSERS[request.param]()


@pytest.mark.parametrize("parser", PARSERS, indirect=True)
def test_whole_documents_are_read(parser: Parser) -> None:
    assert parser.seeds
    for seed in parser.seeds:
        parser.read(seed)


@pytest.mark.parametrize("parser", PARSERS, indirect=True)
@quick
@given(data=st.data())
def test_a_damaged_document_is_read_or_refused_in_one_message(
    data: st.DataObject, parser: Parser
) -> None:
    documents = damaged(parser.seeds)
    if parser.documents:
        documents |= edited(parser.documents, null=parser.has_null).map(parser.encode)
    read_or_refuse(parser, data.draw(documents))


@st.composite
def arrow_files(draw: st.DrawFn) -> bytes:
    """Arrow files with the columns of a ledger or a plan, and with others."""
    names: list[str] = draw(
        st.sampled_from(
            [["row_id", "source", "status", "reason", "detail"], ["rows", "lengths"], ["a"], []]
        )
    )
    value: Any = draw(
        st.sampled_from(["dropped", "x", None, 1, [1, 2], [0, None], [[1]], b"\xff", [2**40], {}])
    )
    metadata = {b"build": b"0"} if draw(st.booleans()) else {b"\xff": draw(st.binary(max_size=4))}
    return arrow_file(dict.fromkeys(names, [value] * draw(st.integers(0, 3))), metadata)


@pytest.mark.parametrize("parser", ["ledger", "pack-plan"], indirect=True)
@quick
@given(data=arrow_files())
def test_a_table_of_another_kind_is_refused_in_one_message(data: bytes, parser: Parser) -> None:
    read_or_refuse(parser, data)
