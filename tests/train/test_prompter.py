"""A prompter of an adapter: its prompts are those of the dataset, and it needs no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sftdata import Prompter, SftdataError
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare

ROW = {"article": "red cat"}


@pytest.fixture(scope="module")
def adapter(dataset: Path, model_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prompting") / "adapter"
    recipe = load_recipe(None, max_steps=1, rank=2)
    train(prepare(dataset, str(model_directory), recipe, allow_draft=True), out)
    return out


def test_it_gives_the_prompt_of_the_dataset(adapter: Path, dataset: Path) -> None:
    assert Prompter(adapter)(ROW) == Prompter(dataset)(ROW)


def test_it_needs_neither_the_dataset_nor_torch(adapter: Path) -> None:
    script = (
        "import json, sys, sftdata\n"
        "prompt = sftdata.Prompter(sys.argv[1])(json.loads(sys.argv[2]))\n"
        "print(json.dumps([prompt.input_ids, 'torch' in sys.modules]))"
    )
    line = [sys.executable, "-c", script, str(adapter), json.dumps(ROW)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [Prompter(adapter)(ROW).input_ids, False]


def test_what_an_adapter_cannot_give_is_refused(adapter: Path) -> None:
    with pytest.raises(SftdataError, match="shots has no effect beside an adapter"):
        Prompter(adapter)(ROW, shots=2)
    with pytest.raises(SftdataError, match="part has no effect beside a row for an adapter"):
        Prompter(adapter, part="x")(ROW)
    with pytest.raises(SftdataError, match="was not trained on conversations"):
        Prompter(adapter)(messages=[{"role": "user", "content": "Hi"}])
