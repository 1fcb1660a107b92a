"""Dispatch: few rows go to the reference; workers of any number give the same examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.forty_rows import rows, write_rows, write_spec

from sftdata.building.dispatch import Dispatcher
from sftdata.building.plan import Plan, make_plan
from sftdata.building.workforce import Workforce
from sftdata.examples.maker import BlockRequest
from sftdata.reading.chunks import read_chunks
from sftdata.tokenizing.engine_cache import EngineCache


@pytest.fixture
def plan(byte_tokenizer: Path) -> Plan:
    write_rows(rows())
    return make_plan(write_spec(byte_tokenizer))


def dispatched(
    plan: Plan, workers: int, *, few_expected: bool
) -> tuple[list[list[int]], bool | None]:
    """Ids of all examples, and whether the engine was checked when they were there."""
    dispatcher = Dispatcher(
        plan, Workforce(workers), EngineCache(), lambda line: None,
        few_expected=few_expected, reference_only=False,
    )  # fmt: skip
    try:
        chunks = [chunk for group in read_chunks(plan.sources[0], 0) for chunk in group]
        work = [BlockRequest(chunk, (0,)) for chunk in chunks]
        made = [job.result() for job in dispatcher.submit(work)]
        assert dispatcher.find_fault() is None
        ids = [ids for examples in made for ids in examples.batch.column("input_ids").to_pylist()]
        return ids, dispatcher.is_checked
    finally:
        dispatcher.close()


def test_few_rows_are_encoded_without_the_engine(plan: Plan) -> None:
    ids, is_checked = dispatched(plan, 1, few_expected=True)
    assert len(ids) == 40
    assert is_checked is None


@pytest.mark.parametrize("workers", [1, 2])
def test_the_engine_and_any_worker_give_the_ids_of_the_reference(plan: Plan, workers: int) -> None:
    expected, _ = dispatched(plan, 1, few_expected=True)
    assert dispatched(plan, workers, few_expected=False) == (expected, True)
