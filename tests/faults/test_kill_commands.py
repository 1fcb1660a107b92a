"""Commands that are killed at random times: the old output or the new one, and they go on."""

from __future__ import annotations

import copy
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.fake_hub import serve
from support.fault_scenarios import SCENARIOS, Stage
from support.faults import COMPILER, Commands, End, commands
from support.kills import make_rows, write_rows
from support.loads import Load, Tally

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")

# The builds are killed in `test_kill.py`, with more data.
KILLED = [s for s in SCENARIOS if "build" not in s.name and "mixture" not in s.name]
REPO = "datasets/me/made"
PUSH = "push out hf:me/made --allow-draft"
DATASET = (
    "build --task grammar --data rows.jsonl --map text=article --map corrected=summary "
    "--max-dropped 50 --out out"
)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as process:
        yield process


def test_a_command_killed_at_any_time_goes_on(
    process: Commands, tmp_path_factory: pytest.TempPathFactory, load: Load, tally: Tally
) -> None:
    for scenario in [s for s in KILLED if not load.is_quick or s.name == "export trl"]:
        kill(Stage(scenario, process, tmp_path_factory.mktemp("stage")), load, tally)
    tally.check()


def kill(stage: Stage, load: Load, tally: Tally) -> None:
    name = stage.scenario.name
    rng, kills, wanted = load.random(name), 0, load.count(50, 1)
    for _ in range(5 * wanted):
        if kills == wanted:
            break
        was_killed, problem = stage.try_kill(rng.uniform(0, stage.seconds))
        if was_killed or problem:  # or it was done before
            kills += 1
            tally.add(name, "kill -9", problem)


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "second"])
def test_the_hub_has_the_old_or_the_new_dataset_after_a_killed_push(
    is_first: bool, tmp_path: Path, load: Load, tally: Tally
) -> None:
    if load.is_quick and is_first:
        pytest.skip("tests/unit/cli/test_push.py tries one; run_faults.py tries more")
    with serve() as hub:
        env = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_mine"}
        env |= {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
        modules = ["huggingface_hub.hf_api", "sftdata.exporting.push"]
        with commands(tmp_path, modules, env) as process:

            def run(command: str, **options: Any) -> End:
                return process.run(command.split(), tmp_path, **options)

            (tmp_path / "work").mkdir()
            write_rows(tmp_path / "work/rows.jsonl", make_rows(60, 1, words=12))
            assert run(DATASET).status == 0
            if not is_first:
                assert run(PUSH).status == 0
                write_rows(tmp_path / "work/rows.jsonl", make_rows(70, 2, words=12))
                assert run(DATASET).status == 0
            old = copy.deepcopy((hub.repos, hub.stored))
            usual = run(PUSH)
            assert usual.status == 0, usual.output
            new = hub.repos[REPO].files
            known = [new, old[0][REPO].files if REPO in old[0] else {}]
            kind = f"{'first' if is_first else 'second'} push"
            rng, kills, wanted = load.random(kind), 0, load.count(25, 1)
            for _ in range(5 * wanted):
                if kills == wanted:
                    break
                hub.repos, hub.stored = copy.deepcopy(old)
                end = run(PUSH, signal_after=(signal.SIGKILL, rng.uniform(0, usual.seconds)))
                kills += end.status is None
                problem = None
                if REPO in hub.repos and hub.repos[REPO].files not in known:
                    problem = "neither the old nor the new files"
                again = run(PUSH)
                if again.status != 0 or hub.repos[REPO].files != new:
                    problem = f"the same command fails: {again.output}"
                if end.status is None or problem:
                    tally.add(kind, "kill -9", problem)
    tally.check()
