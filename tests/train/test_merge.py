"""Merging: one model folder that answers as base model and adapter do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support.tiny_models import llama

from sftdata.errors import SftdataError
from sftdata.serving.passport import read_passport
from sftdata_train.generating.answering import answer
from sftdata_train.merge import merge
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare

ROW = {"article": "red green blue cat"}


@pytest.fixture(scope="module")
def adapter(dataset: Path, model_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("merging") / "adapter"
    recipe = load_recipe(None, max_steps=3, rank=2, learning_rate=0.01)
    train(prepare(dataset, str(model_directory), recipe, allow_draft=True), out)
    return out


@pytest.fixture(scope="module")
def merged(adapter: Path) -> Path:
    out = adapter.parent / "merged"
    check = merge(adapter, out)
    assert (check.dtype, check.probes, check.equal_answers) == ("float32", 8, 8)
    assert check.logit_difference < 1e-5
    return out


def test_a_merged_model_answers_as_the_adapter_does(adapter: Path, merged: Path) -> None:
    tuned = answer(adapter, ROW, max_new_tokens=12)
    alone = answer(merged, ROW, max_new_tokens=12)
    assert alone.prompt_ids == tuned.prompt_ids
    assert alone.ids == tuned.ids


def test_it_is_a_plain_model_of_transformers_that_stops_by_itself(
    adapter: Path, merged: Path
) -> None:
    tuned = answer(adapter, ROW, max_new_tokens=12)
    script = (
        "import json, sys, torch, transformers\n"
        "model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1])\n"
        "ids = torch.tensor([json.loads(sys.argv[2])])\n"
        "out = model.generate(input_ids=ids, max_new_tokens=12, do_sample=False)\n"
        "print(json.dumps([out[0, ids.shape[1]:].tolist(), model.generation_config.eos_token_id]))"
    )
    line = [sys.executable, "-c", script, str(merged), json.dumps(tuned.prompt_ids)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    ids, stops = json.loads(done.stdout.splitlines()[-1])
    assert stops == list(tuned.stop_ids)
    assert [token for token in ids if token not in stops] == tuned.ids


def test_its_passport_says_what_was_merged(adapter: Path, merged: Path) -> None:
    passport = read_passport(merged)
    assert passport.is_whole_model
    assert passport["merged"]["adapter"] == read_passport(adapter)["weights"]
    assert set(passport["weights"]) == {"model.safetensors"}
    assert (merged / "tokenizer.json").read_bytes() == (adapter / "tokenizer.json").read_bytes()


def test_the_code_of_its_card_answers_as_it_does(
    merged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = (merged / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0].replace("THIS_FOLDER", str(merged))
    exec(code.replace("=256", "=12"), {})
    expected = answer(merged, {"article": "…"}, max_new_tokens=12)
    assert capsys.readouterr().out == f"{expected.text}\n"
    assert f"{len(expected.prompt_ids)} ids: `{str(expected.prompt_ids)[1:40]}" in card
    assert "](loss.svg)" in card
    assert "with a LoRA adapter merged into it" in card
    assert "A LoRA adapter for" in (merged.parent / "adapter/README.md").read_text()
    assert (merged / "loss.svg").is_file()


def test_a_model_in_bfloat16_stays_one(dataset: Path, byte_tokenizer: Path, tmp_path: Path) -> None:
    base = tmp_path / "half"
    llama().to(torch.bfloat16).save_pretrained(base)
    for path in byte_tokenizer.iterdir():
        shutil.copy(path, base)
    recipe = load_recipe(None, max_steps=1, rank=2)
    train(prepare(dataset, str(base), recipe, allow_draft=True), tmp_path / "adapter")
    check = merge(tmp_path / "adapter", tmp_path / "merged")
    assert check.dtype == "bfloat16"
    assert json.loads((tmp_path / "merged/config.json").read_text())["dtype"] == "bfloat16"


def test_what_cannot_be_merged_is_refused_and_nothing_is_written(
    adapter: Path, merged: Path, tmp_path: Path
) -> None:
    with pytest.raises(SftdataError, match="nothing to merge"):
        merge(merged, tmp_path / "again")
    with pytest.raises(SftdataError, match="is not empty"):
        merge(adapter, merged)
    changed = Path(shutil.copytree(adapter, tmp_path / "changed"))
    weights = changed / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(SftdataError, match="does not agree with the record"):
        merge(changed, tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.filterwarnings("ignore::UserWarning")  # peft warns of tied embeddings itself
def test_tied_embeddings_that_the_adapter_changes_are_refused(
    byte_tokenizer: Path, dataset: Path, tmp_path: Path
) -> None:
    base = tmp_path / "tied"
    llama(tie_word_embeddings=True).to(torch.float32).save_pretrained(base)
    for path in byte_tokenizer.iterdir():
        shutil.copy(path, base)
    recipe = load_recipe(None, max_steps=3, rank=2, targets="lm_head", learning_rate=0.1)
    train(prepare(dataset, str(base), recipe, allow_draft=True), tmp_path / "adapter")
    with pytest.raises(SftdataError, match="does not answer as the adapter does"):
        merge(tmp_path / "adapter", tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
