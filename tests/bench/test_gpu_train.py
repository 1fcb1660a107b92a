"""The training benchmark: a failing contender leaves the others' rows; only steps are timed."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

BENCH: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("gpu_train.py")))
MEASURED = {"tokens_per_s": 200.0, "memory": 2e9, "losses": [3.0, 2.5], "speeds": [200.0]}


def test_a_contender_that_fails_leaves_the_rows_of_the_others(
    capfd: pytest.CaptureFixture[str],
) -> None:
    failing = [sys.executable, "-c", "raise ValueError('no such attention')"]
    failed = BENCH["run_contender"](failing)
    half = MEASURED | {"tokens_per_s": 100.0, "memory": 4e9, "speeds": [100.0, 1.0, 999.0]}
    BENCH["print_table"]({"sftdata": MEASURED, "full": failed, "trl": half})
    lines = capfd.readouterr().out.splitlines()
    assert lines[2] == "full       failed: ValueError: no such attention"
    assert lines[4] == "sftdata against trl: 2.00x the tokens/s, 0.50 of the peak memory"
    assert lines[6] == "tokens/s of trl in each run: 100, 1, 999"
    assert lines[7:] == ["losses of sftdata: 3.0000 2.5000", "losses of trl: 3.0000 2.5000"]


def test_the_run_of_median_speed_is_shown_and_a_failure_is_not_hidden() -> None:
    runs = [MEASURED | {"tokens_per_s": speed} for speed in (135.0, 3000.0, 2900.0)]
    assert BENCH["choose_median"](runs)["tokens_per_s"] == 2900
    assert BENCH["choose_median"](runs)["speeds"] == [135, 3000, 2900]
    assert BENCH["choose_median"]([*runs, {"failed": "x"}]) == {"failed": "x"}


def test_what_follows_the_last_step_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    trainer: Any = SimpleNamespace(
        args=SimpleNamespace(max_steps=4), callbacks=[], training_step=lambda model, inputs: None
    )
    trainer.add_callback = trainer.callbacks.append

    def train() -> None:
        for step in range(1, 5):
            now[0] += 10  # seconds
            trainer.training_step(None, {"input_ids": torch.zeros(2, 50)})
            for callback in trainer.callbacks:
                callback.on_step_end(trainer.args, SimpleNamespace(global_step=step), None)
        now[0] += 1000  # an evaluation, a checkpoint

    trainer.train = train
    assert BENCH["_clock"](trainer)["tokens_per_s"] == 10  # 2 steps of 100 tokens in 20 s


@pytest.mark.parametrize(
    ("inputs", "tokens"),
    [
        ({"input_ids": torch.ones(2, 3)}, 6),
        ({"input_ids": torch.ones(2, 3), "attention_mask": torch.tensor([[1, 1, 0]])}, 2),
        ({"input_ids": torch.ones(2, 3), "step_tokens": 5}, 5),
    ],
)
def test_padding_is_no_token(inputs: dict[str, Any], tokens: int) -> None:
    assert BENCH["count_tokens"](inputs) == tokens
