"""Commands that are killed at random times: the old output or the new one, and they go on."""

from __future__ import annotations

import pytest
from support.fault_scenarios import SCENARIOS, Needs
from support.fault_stage import MakeStage, Stage
from support.faults import COMPILER
from support.loads import Load, Tally

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")

# The builds are killed in `test_kill.py`, with more data.
KILLED = [s for s in SCENARIOS if "build" not in s.name and "mixture" not in s.name]
# How often CI kills them.
QUICK = {"export trl": 1, "second push": 1, "train": 3, "merge": 1, "eval": 1}


@pytest.mark.parametrize("needs", ["data", "hub", "torch"])
def test_a_command_killed_at_any_time_goes_on(
    needs: Needs,
    make_stage: MakeStage,
    tmp_path_factory: pytest.TempPathFactory,
    load: Load,
    tally: Tally,
) -> None:
    for scenario in [s for s in KILLED if s.needs == needs]:
        if not load.is_quick or scenario.name in QUICK:
            kill(make_stage(scenario, tmp_path_factory.mktemp("stage")), load, tally)
    tally.check()


def kill(stage: Stage, load: Load, tally: Tally) -> None:
    name = stage.scenario.name
    rng, kills, wanted = load.random(name), 0, load.count(50, QUICK.get(name, 1))
    for _ in range(5 * wanted):
        if kills == wanted:
            break
        was_killed, problem = stage.try_kill(rng.uniform(0, stage.seconds))
        if was_killed or problem:  # or it was done before
            kills += 1
            tally.add(name, "kill -9", problem)
