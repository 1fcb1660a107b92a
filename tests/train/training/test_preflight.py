"""What a run refuses before the model is loaded, and how to go on."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from support.manifests import shard_paths, write_manifest
from support.refused_runs import change_config, refusal
from support.tiny_models import VOCABULARY

from sftdata.building.build import build
from sftdata.errors import SftdataError, VerificationError
from sftdata.loading.dataset import load
from sftdata_train.training.recipe import Recipe
from sftdata_train.training.training_run import prepare


def test_a_draft_is_refused_unless_allowed(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    prepare(dataset, str(model_directory), Recipe())
    dataset = Path(shutil.copytree(dataset, tmp_path / "draft"))
    manifest = json.loads((dataset / "manifest.json").read_text())
    text = json.dumps(manifest | {"draft": True}).replace("@1.0.0", "@draft")
    write_manifest(dataset, json.loads(text))
    with pytest.raises(SftdataError, match=r"@draft was never released(?s:.*)--allow-draft"):
        prepare(dataset, str(model_directory), Recipe())
    prepare(dataset, str(model_directory), Recipe(), allow_draft=True)


def test_a_damaged_dataset_is_refused(dataset: Path, model_directory: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(dataset, tmp_path / "data"))
    shard = shard_paths(load(damaged).manifest)[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(VerificationError, match="the digest differs"):
        prepare(damaged, str(model_directory), Recipe(), allow_draft=True)


def test_a_vocabulary_larger_than_the_models_is_refused(dataset: Path, copied_model: Path) -> None:
    change_config(copied_model, vocab_size=VOCABULARY - 1)
    assert "has 257 entries; the model has embeddings for 256" in refusal(dataset, copied_model)


def test_rows_longer_than_the_model_are_refused(dataset: Path, copied_model: Path) -> None:
    change_config(copied_model, max_position_embeddings=50)
    said = refusal(dataset, copied_model)
    for split in ("train", "validation"):
        longest = load(dataset)[split].lengths.max()
        assert (
            f"The longest row of '{split}' has {longest} tokens; the model has 50 positions."
            in said
        )
    assert said.endswith("Build with --max-length 50.")


def test_a_longer_row_that_is_only_held_out_is_refused_too(
    copied_model: Path, byte_tokenizer: Path
) -> None:
    for name, article in (("train", "short"), ("validation", "long " * 20)):
        row = {"id": name, "article": article, "summary": "s"}
        Path(f"{name}.jsonl").write_text(json.dumps(row) + "\n")
    build(
        "summarize", template="summarize/article", checks={}, tokenizer=byte_tokenizer, out="out",
        data=["train=train.jsonl", "validation=validation.jsonl"],
    )  # fmt: skip
    change_config(copied_model, max_position_embeddings=int(load("out")["train"].lengths.max()))
    said = refusal(Path("out"), copied_model)
    assert "The longest row of 'validation'" in said
    assert "'train'" not in said


def test_a_missing_pack_plan_says_how_to_make_it(dataset: Path, model_directory: Path) -> None:
    assert "sftdata pack" in refusal(dataset, model_directory, packed=777)


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU it is allowed")
def test_a_missing_gpu_or_package_is_refused(dataset: Path, model_directory: Path) -> None:
    assert "trains on a CUDA device" in refusal(
        dataset, model_directory, attention="flash_attention_2"
    )
    for tracker in ("tensorboard", "wandb", "mlflow", "trackio"):
        if not find_spec(tracker):
            said = refusal(dataset, model_directory, report_to=(tracker,))
            assert f"--report-to {tracker} needs {tracker}" in said


def test_a_split_without_rows_is_refused_with_those_that_have_some(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    empty = Path(shutil.copytree(dataset, tmp_path / "empty"))
    manifest = json.loads((empty / "manifest.json").read_text())
    manifest["splits"]["extra"] = {"shards": []}
    write_manifest(empty, manifest)
    with pytest.raises(SftdataError, match=r"'extra'(?s:.*)has no rows(?s:.*)--split: train"):
        prepare(empty, str(model_directory), Recipe(), split="extra", allow_draft=True)


def test_a_run_without_held_out_rows_says_so(dataset: Path, model_directory: Path) -> None:
    said: list[str] = []
    prepare(dataset, str(model_directory), Recipe(), report=said.append)
    assert not said
    prepare(dataset, str(model_directory), Recipe(), split="validation", report=said.append)
    assert said == [
        "The loss on held-out rows is not measured: the split 'validation' has no rows beside "
        "those you train on."
    ]
