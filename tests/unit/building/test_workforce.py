"""Who makes the examples of a build, by its options."""

from __future__ import annotations

from types import SimpleNamespace as Record
from typing import cast

import pytest

from sftdata.building.plan import Plan
from sftdata.building.workforce import (
    THIS_PROCESS,
    Workforce,
    automatic_number,
    choose_workforce,
)
from sftdata.errors import SftdataError


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((1, "local", None), THIS_PROCESS),
        ((3, "local", None), Workforce(3)),
        ((None, "local", None), Workforce(None)),
        ((None, "ray", None), Workforce(None, on_ray=True)),
        ((1, "ray", None), Workforce(on_ray=True)),
        ((None, "ray", "head:6379"), Workforce(None, on_ray=True, cluster="head:6379")),
        ((2, "ray", None), "--workers 2 has no effect with --engine ray"),
        ((1, "local", "head:6379"), "--address head:6379 has no effect without --engine ray"),
    ],
)
def test_options_choose_the_workers(
    options: tuple[int | None, str, str | None], expected: Workforce | str
) -> None:
    if isinstance(expected, Workforce):
        assert choose_workforce(*options) == expected
        return
    with pytest.raises(SftdataError, match=expected):
        choose_workforce(*options)


MB = 1 << 20
GB = 1 << 30


def plan_of(size: int, kind: str) -> Plan:
    """What the choice reads of a plan."""
    talks = Record() if kind == "conversations" else None
    sources = (Record(size=size // 2), Record(size=size // 2))
    plan = Record(sources=sources, conversations=talks)
    return cast("Plan", plan)


@pytest.mark.parametrize(
    ("kind", "size", "cores", "memory", "number"),
    [
        ("plain", 42 * MB, 64, 64 * GB, 1),  # small
        ("plain", GB, 2, 64 * GB, 1),  # two threads of one process use both
        ("plain", 256 * MB, 16, 64 * GB, 4),
        ("plain", 100 * GB, 4, 64 * GB, 4),
        ("plain", 100 * GB, 64, 64 * GB, 5),  # the building process feeds no more
        ("plain", 100 * GB, 64, 2 * GB, 3),
        ("plain", 100 * GB, 64, GB // 4, 1),
        ("conversations", 10 * MB, 16, 64 * GB, 1),
        ("conversations", 30 * MB, 2, 64 * GB, 1),
        ("conversations", 40 * MB, 2, 64 * GB, 2),
        ("conversations", GB, 64, 64 * GB, 16),
        ("conversations", GB, 1, 64 * GB, 1),
        ("conversations", 0, 4, 64 * GB, 1),
    ],
)
def test_the_input_and_the_machine_choose_the_number(
    kind: str, size: int, cores: int, memory: int, number: int
) -> None:
    assert automatic_number(plan_of(size, kind), cores, memory) == number
