"""Lines by step and by time, and the end of a run whose loss is not finite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sftdata.errors import SftdataError
from sftdata_train.training.progress import Progress, read_metrics
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import make_trainer, train
from sftdata_train.training.training_run import prepare


def test_a_loss_that_is_no_number_ends_the_run(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(None, learning_rate=1e30, max_steps=9, log_every=1, max_grad_norm=0)
    run = prepare(dataset, str(model_directory), recipe, allow_draft=True)
    with pytest.raises(SftdataError, match=r"The loss is (nan|inf) at step"):
        train(run, tmp_path / "a")
    assert not (tmp_path / "a" / "sftdata.json").exists()


def test_slow_steps_have_a_line_each_and_the_file_has_the_logged_ones(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    now, said = [0.0], list[str]()
    recipe = load_recipe(None, max_steps=6, log_every=4, rank=2)
    run = prepare(dataset, str(model_directory), recipe, allow_draft=True)
    trainer = make_trainer(run, tmp_path)
    trainer.add_callback(Progress(trainer, tmp_path, said.append, clock=lambda: now[0]))
    step = trainer.training_step

    def slow(*args: Any, **kwargs: Any) -> Any:
        now[0] += 1.0  # four micro-batches a step
        now[0] += 2.0 * (trainer.state.global_step >= 4)
        return step(*args, **kwargs)

    trainer.training_step = slow
    trainer.train()
    steps = [line for line in said if "held-out" not in line]
    # Step 1 is told with the time left from there on. At step 3 the last line is 8 s old.
    assert [line.split("/")[0] for line in steps] == ["step 1", "step 4", "step 5", "step 6"]
    assert steps[0].endswith("0:20 left")
    assert steps[2] == "step 5/6  0:05 left"  # 28 s for 5 steps
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [1, 4]
