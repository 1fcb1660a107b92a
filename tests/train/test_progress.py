"""A loss that is not finite ends the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.errors import SftdataError
from sftdata_train.recipe import load_recipe
from sftdata_train.training_run import prepare, train


def test_a_loss_that_is_no_number_ends_the_run(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(None, learning_rate=1e30, max_steps=9, log_every=1, max_grad_norm=0)
    run = prepare(dataset, str(model_directory), recipe, allow_draft=True)
    with pytest.raises(SftdataError, match=r"The loss is (nan|inf) at step"):
        train(run, tmp_path / "a")
    assert not (tmp_path / "a" / "sftdata.json").exists()
