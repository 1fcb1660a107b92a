"""The study of what changes in the data do, on a tiny model and a few rows."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.places import ROOT
from support.tiny_models import llama

BENCH: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("data_study.py")))


@pytest.fixture
def model(tmp_path: Path) -> str:
    tokenizer = ROOT / "pipelines" / "tokenizers" / "small"
    size = len(json.loads((tokenizer / "tokenizer.json").read_text())["model"]["vocab"])
    folder = tmp_path / "model"
    llama(vocab_size=size + 64).to(torch.float32).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)
    return str(folder)


def test_every_arm_trains_and_answers_the_same_rows(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"id": f"g{i}", "text": f"she go to the {i} shop", "corrected": f"she goes to shop {i}"}
        for i in range(24)
    ]
    Path("golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setitem(BENCH["run_arm"].__globals__, "ROWS_A_STEP", 16)
    BENCH["build_datasets"](Path(), Path("golden.jsonl"), model, 16, 8)
    arms = ("standard", "prompt-too", "bare")
    found = {arm: BENCH["run_arm"](Path(), arm, 0, model, 2) for arm in arms}
    Path("runs.jsonl").write_text("".join(json.dumps(run) + "\n" for run in found.values()))
    assert len({tuple(run["losses"]) for run in found.values()}) == 1
    assert len({tuple(run["answers"]) for run in found.values()}) == 1
    lengths = {tuple(map(len, run["losses"].values())) for run in found.values()}
    assert len(lengths) == 1  # the same target tokens, whatever the wording
    standard, prompt_too = found["standard"], found["prompt-too"]
    assert prompt_too["train_targets"] == standard["train_tokens"] > standard["train_targets"]
    assert all(
        np.isfinite(sum(losses)) for run in found.values() for losses in run["losses"].values()
    )
    BENCH["print_table"](Path())
    table = capsys.readouterr().out
    assert all(f"| {arm} | 1 | " in table for arm in found)


def test_the_masks_of_the_arms() -> None:
    mask = np.array([0, 0, 1, 1, 1], np.bool_)
    assert BENCH["_without_eos"](mask).tolist() == [False, False, True, True, False]
    assert BENCH["_prompt_too"](mask).tolist() == [True] * 5
    assert mask.tolist() == [False, False, True, True, True]  # the dataset's own stays


def test_all_arms_of_a_seed_come_before_the_next() -> None:
    runs = BENCH["list_runs"](2)
    assert len(runs) == len(set(runs)) == 3 + 2 * len(BENCH["ARMS"])
    assert [seed for _, seed in runs] == sorted(seed for _, seed in runs)
