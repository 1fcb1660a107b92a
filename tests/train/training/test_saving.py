"""A saved adapter is one of plain peft, in another process and without sftdata."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sftdata_train.generating.answering import answer
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare

PLAIN = """
import json, sys, torch, peft, transformers
base, adapter, ids = sys.argv[1], sys.argv[2], torch.tensor([json.loads(sys.argv[3])])
model = transformers.AutoModelForCausalLM.from_pretrained(base)
model = peft.PeftModel.from_pretrained(model, adapter).eval()
out = model.generate(input_ids=ids, max_new_tokens=12, do_sample=False)
assert "sftdata" not in sys.modules and "sftdata_train" not in sys.modules
print(json.dumps(out[0, ids.shape[1]:].tolist()))
"""


@pytest.fixture(scope="module")
def adapter(dataset: Path, model_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("saving") / "adapter"
    recipe = load_recipe(None, max_steps=3, rank=2, learning_rate=0.01)
    train(prepare(dataset, str(model_directory), recipe, allow_draft=True), out)
    return out


def test_plain_peft_in_another_process_answers_the_same(
    adapter: Path, model_directory: Path
) -> None:
    ours = answer(adapter, {"article": "red green blue cat"}, max_new_tokens=12)
    asked = [str(model_directory), str(adapter), json.dumps(ours.prompt_ids)]
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, *asked], capture_output=True, text=True, check=True
    )
    found = [token for token in json.loads(done.stdout) if token not in ours.stop_ids]
    assert ours.ids
    assert found == ours.ids


def test_nothing_but_the_adapter_is_left(adapter: Path) -> None:
    assert sorted(path.name for path in adapter.iterdir()) == [
        "README.md", "adapter_config.json", "adapter_model.safetensors", "loss.svg",
        "metrics.jsonl", "sftdata.json", "tokenizer.json", "tokenizer_config.json",
        "validation.jsonl",
    ]  # fmt: skip
    assert "sftdata" in (adapter / "README.md").read_text()  # our card, and not peft's
