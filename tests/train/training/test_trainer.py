"""Two ranks have the gradients of one; TRL on the export has the losses of ours on the dataset."""

from __future__ import annotations

import json
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from support import one_step
from support.forked.python import Process
from support.forked.shared import train_python

from sftdata.exporting.export import export
from sftdata.loading.dataset import load
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import make_trainer
from sftdata_train.training.training_run import prepare

SCRIPT = str(Path(one_step.__file__))


def start(arguments: list[object], **environment: str) -> Process:
    return train_python().start(SCRIPT, *arguments, env=environment)


def read_losses(process: Process) -> list[float]:
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    found: list[float] = json.loads(out.splitlines()[-1])
    return found


def test_two_ranks_have_the_gradients_of_one(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    ranks = [
        start(
            ["ranks", dataset, model_directory, tmp_path / "two.pt", 2],
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2",
            MASTER_ADDR="localhost", MASTER_PORT=port,
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        losses = [read_losses(rank) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    alone = one_step.run_rank(dataset, model_directory, tmp_path / "one.pt", 4)
    assert losses[0] == pytest.approx(alone, rel=1e-9)
    one, two = (torch.load(tmp_path / f"{name}.pt") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, expected in one.items():
        size = float(expected.abs().max())
        assert size > 0
        assert float((two[name] - expected).abs().max()) <= 1e-9 * size


@pytest.mark.skipif(find_spec("trl") is None, reason="TRL is not installed: pip install trl")
def test_the_first_steps_of_trl_have_the_same_losses(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    rows = len(load(dataset)["train"])
    recipe = load_recipe(
        None, rank=4, max_steps=4, micro_batch=rows, accumulate=1, learning_rate=1e-3,
        schedule="constant", warmup=0, max_grad_norm=0, log_every=1,
    )  # fmt: skip
    trainer: Any = make_trainer(
        prepare(dataset, str(model_directory), recipe, allow_draft=True), tmp_path / "run"
    )
    one_step.start_elsewhere(trainer.model)
    trainer.model.save_pretrained(tmp_path / "adapter")
    export(dataset, "trl", tmp_path / "trl")
    theirs = start(["trl", tmp_path / "trl", model_directory, tmp_path / "adapter", 4, rows])
    trainer.args.eval_strategy = trainer.args.save_strategy = "no"
    trainer.train()
    ours = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert len(ours) == 4
    assert ours[-1] < ours[0] - 0.01  # it learns, so that the gradients count, too
    assert read_losses(theirs) == pytest.approx(ours, rel=1e-5)
