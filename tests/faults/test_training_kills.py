"""Training, merging and evaluating, killed at random times: the same command goes on."""

from __future__ import annotations

from pathlib import Path

from support.loads import Load, Tally
from support.training_kills import Kills, kill_evaluation, kill_merge, kill_training, trainer


def test_what_was_killed_ends_as_if_undisturbed(tmp_path: Path, load: Load, tally: Tally) -> None:
    with trainer(tmp_path) as process:
        _count(kill_training(process, load.count(50, 3), load.part), tally)
        _count(kill_merge(process, load.count(50, 1), load.part), tally)
        _count(kill_evaluation(process, load.count(50, 1), load.part), tally)
    tally.check()


def _count(found: Kills, tally: Tally) -> None:
    for problem in [*found.failures, *[None] * (found.killed - len(found.failures))]:
        tally.add(found.command, "kill -9", problem)
