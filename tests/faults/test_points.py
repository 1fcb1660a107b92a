"""Commands that write, killed or failed at their calls to the file system.

CI tries two calls of each command; the whole load is all calls, with each fault.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.fault_scenarios import SCENARIOS, Scenario, Stage
from support.faults import COMPILER, FAULTS, Commands, commands
from support.loads import Load, Tally

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as process:
        yield process


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_fault_leaves_old_or_new_and_the_same_command_goes_on(
    scenario: Scenario,
    process: Commands,
    tmp_path_factory: pytest.TempPathFactory,
    load: Load,
    tally: Tally,
) -> None:
    stage = Stage(scenario, process, tmp_path_factory.mktemp("stage"))
    chance = load.random(scenario.name)
    kill, *others = FAULTS
    for fault in (kill, chance.choice(others)) if load.is_quick else FAULTS:
        points = list(range(1, stage.count(fault) + 1))
        if load.is_quick and fault is kill:
            points = points[-9:]  # around the commit
        for point in load.choose(points, 1, scenario.name):
            tally.add(scenario.name, fault.name, stage.try_point(fault, point))
    tally.check()
