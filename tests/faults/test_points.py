"""Commands that write, killed or failed at some calls to the file system.

`python tests/faults/run_faults.py` tries all of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from support.fault_scenarios import SCENARIOS, Scenario, Stage
from support.faults import COMPILER, FAULTS, Commands, commands

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")

KILLS = FAULTS[0]
OTHERS = FAULTS[1:3]  # EIO, ENOSPC


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as process:
        yield process


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_fault_leaves_old_or_new_and_the_same_command_goes_on(
    scenario: Scenario, process: Commands, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stage = Stage(scenario, process, tmp_path_factory.mktemp("stage"))
    chance = random.Random(scenario.name)
    for fault, last in ((KILLS, 8), (chance.choice(OTHERS), 1000)):  # kills around the commit
        total = stage.count(fault)
        point = chance.randint(max(1, total - last), total)
        assert stage.try_point(fault, point) is None, f"{fault.name}, point {point} of {total}"
