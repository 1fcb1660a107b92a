"""What a run refuses, and how it says so: nothing wrong is trained on silently."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny_models import VOCABULARY, gpt2, llama
from transformers import AutoConfig

from sftdata.errors import SftdataError, VerificationError
from sftdata.loading.dataset import load
from sftdata_train.lora import load_adapter
from sftdata_train.model_loading import load_model
from sftdata_train.packing_check import check_boundaries
from sftdata_train.recipe import Recipe, load_recipe
from sftdata_train.resource_errors import explain_resource_errors
from sftdata_train.training_run import prepare, train


@pytest.fixture
def copied_model(model_directory: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_directory, tmp_path / "model"))


def refusal(dataset: Path, model: Path, **changes: Any) -> str:
    recipe = load_recipe(None, **changes)
    with pytest.raises(SftdataError) as caught:
        prepare(dataset, str(model), recipe, allow_draft=True)
    return str(caught.value)


def test_a_draft_is_refused_unless_allowed(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    prepare(dataset, str(model_directory), Recipe())
    dataset = Path(shutil.copytree(dataset, tmp_path / "draft"))
    manifest = json.loads((dataset / "manifest.json").read_text())
    text = json.dumps(manifest | {"draft": True}).replace("@1.0.0", "@draft")
    (dataset / "manifest.json").write_text(text)
    with pytest.raises(SftdataError, match=r"@draft was never released(?s:.*)--allow-draft"):
        prepare(dataset, str(model_directory), Recipe())
    prepare(dataset, str(model_directory), Recipe(), allow_draft=True)


def test_a_damaged_data_set_is_refused(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    damaged = Path(shutil.copytree(dataset, tmp_path / "data"))
    shard = load(damaged).manifest.shard_paths[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(VerificationError, match="the digest differs"):
        prepare(damaged, str(model_directory), Recipe(), allow_draft=True)


def test_a_tokenizer_with_other_ids_is_refused(dataset: Path, copied_model: Path) -> None:
    path = copied_model / "tokenizer.json"
    spec = json.loads(path.read_text())
    vocab = spec["model"]["vocab"]
    vocab["a"], vocab["b"] = vocab["b"], vocab["a"]
    path.write_text(json.dumps(spec))
    assert "it differs in the ids of" in refusal(dataset, copied_model)


def test_a_tokenizer_that_is_only_written_anew_is_accepted(
    dataset: Path, copied_model: Path
) -> None:
    path = copied_model / "tokenizer.json"
    spec = json.loads(path.read_text())
    spec["decoder"] = {"type": "Fuse"}
    path.write_text(json.dumps(spec))
    run = prepare(dataset, str(copied_model), Recipe(), allow_draft=True)
    assert len(run.data["train"]) > 0


def test_another_eos_is_refused(dataset: Path, copied_model: Path) -> None:
    (copied_model / "tokenizer_config.json").write_text(json.dumps({"eos_token": "a"}))
    assert "it differs in eos_id" in refusal(dataset, copied_model)


def test_a_model_without_a_tokenizer_is_taken_at_its_word(
    dataset: Path, copied_model: Path
) -> None:
    (copied_model / "tokenizer.json").unlink()
    said: list[str] = []
    prepare(dataset, str(copied_model), Recipe(), allow_draft=True, report=said.append)
    assert "has no tokenizer to compare" in said[0]
    (copied_model / "tokenizer.json").write_text("{")
    assert "tokenizer cannot be read" in refusal(dataset, copied_model)


def change_config(model: Path, **changes: Any) -> None:
    path = model / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_vocabulary_larger_than_the_models_is_refused(dataset: Path, copied_model: Path) -> None:
    change_config(copied_model, vocab_size=VOCABULARY - 1)
    assert "has 257 entries; the model has embeddings for 256" in refusal(dataset, copied_model)


def test_rows_longer_than_the_model_are_refused(dataset: Path, copied_model: Path) -> None:
    change_config(copied_model, max_position_embeddings=50)
    assert "the model has 50 positions" in refusal(dataset, copied_model)


def test_a_missing_pack_plan_says_how_to_make_it(dataset: Path, model_directory: Path) -> None:
    assert "sftdata pack" in refusal(dataset, model_directory, packed=777)


def test_a_wrong_model_directory_says_what_is_there(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "other.json").write_text("{}")
    assert "there is no config.json (found: other.json)" in refusal(dataset, tmp_path / "x")
    assert "no model directory" in refusal(dataset, tmp_path / "nowhere")


def test_remote_code_is_not_run(dataset: Path, copied_model: Path) -> None:
    change_config(copied_model, auto_map={"AutoModelForCausalLM": "evil.Model"})
    (copied_model / "evil.py").write_text("raise SystemExit('it ran')")
    message = refusal(dataset, copied_model)
    assert "runs code of its own (evil.Model)" in message
    assert "--trust-remote-code" in message


def test_pickled_weights_are_not_loaded(copied_model: Path) -> None:
    (copied_model / "model.safetensors").unlink()
    (copied_model / "pytorch_model.bin").write_bytes(b"not even looked at")
    with pytest.raises(SftdataError, match=r"weights are pickled \(pytorch_model\.bin"):
        load_model(str(copied_model), dtype=torch.float32)


def test_a_pickled_adapter_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.bin").write_bytes(b"not even looked at")
    with pytest.raises(SftdataError, match="weights are pickled"):
        load_adapter(llama(), tmp_path)
    with pytest.raises(SftdataError, match=r"no adapter_config\.json"):
        load_adapter(llama(), tmp_path / "nowhere")


def test_a_loss_that_is_no_number_ends_the_run(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(None, learning_rate=1e30, max_steps=9, log_every=1, max_grad_norm=0)
    run = prepare(dataset, str(model_directory), recipe, allow_draft=True)
    with pytest.raises(SftdataError, match=r"The loss is (nan|inf) at step"):
        train(run, tmp_path / "a")
    assert not (tmp_path / "a" / "sftdata.json").exists()


def test_out_of_memory_says_what_to_take_less_of() -> None:
    with (
        pytest.raises(SftdataError, match=r"Out of memory while training(?s:.*)--micro-batch 1"),
        explain_resource_errors("training"),
    ):
        torch.empty(1 << 60)


def test_a_full_disk_is_one_message(dataset: Path, model_directory: Path, tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [
        sys.executable, "-m", "sftdata", "train", str(dataset), "--model", str(model_directory),
        "--out", str(tmp_path / "a"), "--allow-draft", "--max-steps", "1", "--rank", "16",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, preexec_fn=small_files
    )
    assert done.returncode == 1
    assert "Error:" in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_targets_end_in_a_suggestion(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(None, targets="q_prj")
    run = prepare(dataset, str(model_directory), recipe, allow_draft=True)
    with pytest.raises(SftdataError, match="Did you mean 'q_proj'"):
        train(run, tmp_path / "a")


def test_a_recipe_tells_all_its_faults_at_once(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("rank = 0\nlearning_rat = 1\n")
    with pytest.raises(SftdataError, match=r"rank(?s:.*)learning_rat"):
        load_recipe(path)


@pytest.mark.parametrize("name", ["lora", "qlora", "full"])
def test_the_recipes_of_the_project_are_recipes(name: str) -> None:
    folder = Path(__file__).resolve().parents[2] / "train" / "recipes"
    assert load_recipe(folder / f"{name}.toml").method == name
    assert load_recipe(folder / "lora.toml") == Recipe()


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU it is allowed")
def test_four_bits_without_a_gpu_are_refused(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    run = prepare(
        dataset, str(model_directory), load_recipe(None, method="qlora"), allow_draft=True
    )
    with pytest.raises(SftdataError, match="needs a CUDA device"):
        train(run, tmp_path / "a")


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU it is allowed")
def test_what_the_machine_has_not_is_refused(dataset: Path, model_directory: Path) -> None:
    assert "trains on a CUDA device" in refusal(
        dataset, model_directory, attention="flash_attention_2"
    )
    if not find_spec("tensorboard"):
        assert "needs tensorboard" in refusal(dataset, model_directory, tensorboard=True)


def test_a_model_that_mixes_packed_examples_is_found(dataset: Path) -> None:
    rows = [load(dataset)["train"][i] for i in range(2)]
    for model in (llama(), gpt2()):
        check_boundaries(model, rows, 256)
        model.forward = _without_positions(model.forward)
        with pytest.raises(SftdataError, match="mixes the examples of a pack"):
            check_boundaries(model, rows, 256)


def _without_positions(forward: Any) -> Any:
    """As a model that was written before packing, and makes its own positions."""
    return lambda position_ids=None, **inputs: forward(**inputs)


def test_the_table_of_gpt2_has_the_numbers_everyone_knows(
    dataset: Path, copied_model: Path
) -> None:
    from sftdata_train.cost_estimate import estimate_cost

    AutoConfig.for_model("gpt2").save_pretrained(copied_model)
    run = prepare(dataset, str(copied_model), Recipe(rank=16), allow_draft=True)
    found = estimate_cost(run)
    c_attn = next(a for a in found.adapted if a.name.endswith("c_attn"))
    assert (c_attn.shape, c_attn.modules) == ((768, 2304), 12)
    assert (c_attn.parameters, c_attn.lora_parameters) == (1_769_472, 49_152)
    assert round(c_attn.reduction, 1) == 36.0
    assert found.parameters == 124_439_808
    assert found.trained == sum(a.modules * a.lora_parameters for a in found.adapted)
    assert all(size > 0 for size in found.memory_bytes.values())
    assert found.seconds > 0
