"""Training, merging and evaluating, killed at random times: the same command goes on."""

from __future__ import annotations

from pathlib import Path

from support.training_kills import kill_evaluation, kill_merge, kill_training, trainer


def test_what_was_killed_ends_as_if_undisturbed(tmp_path: Path) -> None:
    with trainer(tmp_path) as process:
        found = kill_training(process, 3)
        assert found.failures == []
        assert found.killed
        for more in (kill_merge(process, 1), kill_evaluation(process, 1)):
            assert more.failures == []
