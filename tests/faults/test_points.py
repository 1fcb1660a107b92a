"""Commands that write, killed or failed at their calls to the file system.

CI tries two calls of each command; the whole load is all calls, with each fault.
"""

from __future__ import annotations

import pytest
from support.fault_scenarios import SCENARIOS, Scenario
from support.fault_stage import MakeStage
from support.faults import COMPILER, FAULTS
from support.loads import Load, Tally

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_fault_leaves_old_or_new_and_the_same_command_goes_on(
    scenario: Scenario,
    make_stage: MakeStage,
    tmp_path_factory: pytest.TempPathFactory,
    load: Load,
    tally: Tally,
) -> None:
    if load.is_quick and (scenario.needs != "data" or scenario.is_like_others):
        pytest.skip("run_faults.py tries all commands; CI those that differ and start at once")
    stage = make_stage(scenario, tmp_path_factory.mktemp("stage"))
    chance = load.random(scenario.name)
    kill, *others = FAULTS
    for fault in (kill, chance.choice(others)) if load.is_quick else FAULTS:
        points = list(range(1, stage.count(fault) + 1))
        if load.is_quick and fault is kill:
            points = points[-9:]  # around the commit
        for point in load.choose(points, 1, scenario.name):
            tally.add(scenario.name, fault.name, stage.try_point(fault, point))
    tally.check()
