"""A run: it learns, resumes on the same curve, leaves a passport, and is the same on two ranks."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from support.forked.shared import train_python

from sftdata.errors import SftdataError
from sftdata.loading.dataset import load
from sftdata.loading.packing import plan_packs, write_plan
from sftdata.serving.passport import Passport, read_passport
from sftdata_train.audit import Audit, audit_adapter
from sftdata_train.evaluating.evaluation import evaluate
from sftdata_train.generating.answering import answer
from sftdata_train.models.model_loading import load_model
from sftdata_train.training.lora import load_adapter
from sftdata_train.training.progress import read_metrics
from sftdata_train.training.recipe import Recipe, load_recipe
from sftdata_train.training.run_folder import RUN
from sftdata_train.training.train import make_trainer, train
from sftdata_train.training.training_run import prepare

FAST = {
    "rank": 4, "alpha": 8, "learning_rate": 1e-2, "micro_batch": 4, "accumulate": 2,
    "log_every": 1, "warmup": 0.0,
}  # fmt: skip


def run_here(dataset: Path, model: Path, out: Path, **changes: Any) -> Passport:
    recipe = load_recipe(None, **(FAST | changes))
    return train(prepare(dataset, str(model), recipe, allow_draft=True), out)


def losses(out: Path) -> list[float]:
    return [line["loss"] for line in read_metrics(out / "metrics.jsonl")]


@pytest.fixture(scope="module")
def trained(dataset: Path, model_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter after 8 steps that nothing disturbed."""
    out = tmp_path_factory.mktemp("trained") / "adapter"
    run_here(dataset, model_directory, out, max_steps=8, save_every=2)
    return out


def test_a_run_learns_and_says_so(trained: Path) -> None:
    lines = read_metrics(trained / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(1, 9))
    assert lines[-1]["loss"] < lines[0]["loss"] - 0.3
    assert all(line["tokens_per_s"] > 0 and line["memory_bytes"] > 0 for line in lines)
    held_out = read_metrics(trained / "validation.jsonl")
    assert [held_out[0]["step"], held_out[-1]["step"]] == [0, 8]
    assert held_out[-1]["loss"] < held_out[0]["loss"] - 0.3
    assert (trained / "loss.svg").read_text().count("<polyline") == 2


def test_only_safetensors_and_text_are_left(trained: Path) -> None:
    assert {path.suffix for path in trained.rglob("*") if path.is_file()} == {
        ".safetensors", ".json", ".jsonl", ".md", ".svg",
    }  # fmt: skip
    assert not (trained / RUN).exists()


def test_the_tokenizer_lies_beside_the_adapter(trained: Path, model_directory: Path) -> None:
    from sftdata.tokenizing.load import load_tokenizer

    assert load_tokenizer(str(trained)).sha256 == load_tokenizer(str(model_directory)).sha256


def test_the_passport_says_what_it_was_trained_on(trained: Path, dataset: Path) -> None:
    passport, manifest = read_passport(trained), load(dataset).manifest
    assert passport["data"]["build"] == manifest["build"]
    label, template = next(iter(passport["templates"].items()))
    assert {label: template["sha256"]} == manifest["template"]
    assert "{% block prompt %}" in template["source"]
    assert passport["tokenizer"]["sha256"] == manifest["tokenizer"]["sha256"]
    assert passport["stop_ids"] == [256]
    assert passport["recipe"]["rank"] == 4
    assert passport["libraries"]["torch"] == torch.__version__
    assert audit_adapter(passport, dataset) == Audit([], [])


def test_a_tracker_records_the_dataset_in_the_config_of_the_run(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    run = prepare(dataset, str(model_directory), load_recipe(None, rank=2), allow_draft=True)
    settings = make_trainer(run, tmp_path).args.to_dict()  # what all trackers record
    manifest = load(dataset).manifest
    digest = hashlib.sha256((dataset / "manifest.json").read_bytes()).hexdigest()
    assert settings["dataset_build"] == manifest["build"]
    assert settings["dataset_manifest_sha256"] == digest


def test_an_audit_finds_other_weights_and_other_data(trained: Path, dataset: Path) -> None:
    content = json.loads((trained / "sftdata.json").read_text())
    content["weights"]["adapter_model.safetensors"] = "0" * 64
    content["data"]["build"] = "another"
    found = audit_adapter(Passport(trained, content), dataset).contradictions
    assert ["not the weights" in found[0], "trained on another" in found[1]] == [True, True]


def test_a_killed_run_resumes_and_continues_the_same_curve(
    trained: Path, dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    out = tmp_path / "adapter"
    options = {**FAST, "max_steps": 8, "save_every": 2}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    killed = train_python().start(
        "sftdata", "train", dataset, f"--out={out}", "--allow-draft",
        f"--model={model_directory}", *flags,
    )  # fmt: skip
    while not any(out.glob("checkpoints/*/sealed.json")) and killed.poll() is None:
        time.sleep(0.002)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    killed.communicate()
    assert not (out / "sftdata.json").exists()
    run_here(dataset, model_directory, out, max_steps=8, save_every=2)
    assert losses(out) == losses(trained)
    weights = "adapter_model.safetensors"
    assert (out / weights).read_bytes() == (trained / weights).read_bytes()


def test_a_run_resumes_where_a_step_is_shared_otherwise(
    trained: Path, dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    """As on another number of ranks: the rows of each step are the same."""

    def stop(line: str) -> None:
        if line.startswith("step 5/"):
            raise KeyboardInterrupt

    recipe = load_recipe(None, **FAST, max_steps=8, save_every=2)
    with pytest.raises(KeyboardInterrupt):
        train(prepare(dataset, str(model_directory), recipe, allow_draft=True), tmp_path, stop)
    run_here(
        dataset, model_directory, tmp_path, max_steps=8, save_every=2, micro_batch=2, accumulate=4
    )
    assert losses(tmp_path) == pytest.approx(losses(trained), rel=1e-4)


def test_two_ranks_take_the_same_steps_as_one(
    trained: Path, dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    out = tmp_path / "adapter"
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    options = {**FAST, "micro_batch": 2, "max_steps": 8}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    ranks = [
        train_python().start(
            "sftdata", "train", dataset, f"--out={out}", "--allow-draft",
            f"--model={model_directory}", *flags,
            env={
                "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2",
                "MASTER_ADDR": "localhost", "MASTER_PORT": str(port),
            },
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        said = [rank.communicate() for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert [rank.returncode for rank in ranks] == [0, 0], said
    assert losses(out) == pytest.approx(losses(trained), rel=1e-4)
    assert ["Trained 8 steps" in stdout for stdout, _ in said] == [True, False]


def test_packed_training_takes_the_same_steps_where_packs_are_rows(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    data = load(dataset)
    write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 1000))
    one_step = {"micro_batch": len(data["train"]), "accumulate": 1, "epochs": 2}
    run_here(dataset, model_directory, tmp_path / "rows", **one_step)
    run_here(dataset, model_directory, tmp_path / "packs", **one_step, packed=1000)
    assert losses(tmp_path / "packs") == pytest.approx(losses(tmp_path / "rows"), rel=1e-5)


def test_early_stopping_keeps_the_best_weights(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    passport = run_here(
        dataset, model_directory, tmp_path / "a",
        learning_rate=0.5, max_steps=40, evaluate_every=1, early_stop=2, schedule="constant",
    )  # fmt: skip
    held_out = [line["loss"] for line in read_metrics(tmp_path / "a" / "validation.jsonl")]
    assert passport["outcome"]["steps"] < 40
    assert passport["outcome"]["held_out_loss"] == min(held_out)


def test_a_merged_adapter_gives_the_same_outputs(trained: Path, model_directory: Path) -> None:
    model = load_model(str(model_directory), dtype=torch.float64)
    adapted = load_adapter(model, trained).to(torch.float64).eval()
    ids = torch.arange(40)[None]
    with torch.inference_mode():
        expected = adapted(input_ids=ids).logits
        with adapted.disable_adapter():
            base = adapted(input_ids=ids).logits
        merged = adapted.merge_and_unload()(input_ids=ids).logits
    torch.testing.assert_close(merged, expected, rtol=1e-9, atol=1e-9)
    assert float((expected - base).abs().max()) > 0.1


def test_every_weight_is_trained_when_asked(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    passport = run_here(dataset, model_directory, tmp_path / "a", method="full", max_steps=2)
    before, after = (load_file(p / "model.safetensors") for p in (model_directory, tmp_path / "a"))
    assert all(not torch.equal(before[name], after[name]) for name in before)
    assert list(passport["weights"]) == ["model.safetensors"]
    found = answer(tmp_path / "a", {"article": "red cat"}, max_new_tokens=3)
    assert "<eos>" not in found.text
    base, tuned = evaluate(
        dataset, str(model_directory), tmp_path / "a", split="validation", limit=3,
        max_new_tokens=3,
    ).results  # fmt: skip
    assert (base.system, tuned.system) == ("base", "tuned")
    assert tuned.loss < base.loss
    as_base = evaluate(dataset, str(tmp_path / "a"), split="validation", limit=3, max_new_tokens=3)
    assert as_base.results[0].loss == pytest.approx(tuned.loss)


def test_checkpointing_changes_no_loss(
    trained: Path, dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    run_here(dataset, model_directory, tmp_path / "a", max_steps=2, checkpointing=True)
    # The schedule is another one with fewer steps, and the first step has not seen it yet.
    assert losses(tmp_path / "a")[0] == pytest.approx(losses(trained)[0], rel=1e-6)
    assert losses(tmp_path / "a")[1] == pytest.approx(losses(trained)[1], rel=1e-1)


def test_a_finished_adapter_is_not_written_over(
    trained: Path, dataset: Path, model_directory: Path
) -> None:
    with pytest.raises(SftdataError, match="finished adapter"):
        run_here(dataset, model_directory, trained)


def test_an_unfinished_run_with_other_settings_is_not_resumed(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a"
    out.mkdir()
    (out / RUN).write_text(json.dumps({"recipe": Recipe(rank=2).model_dump(mode="json")}))
    with pytest.raises(SftdataError, match=r"other settings \(data.*recipe"):
        run_here(dataset, model_directory, out)


def test_a_folder_of_anything_else_is_refused(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("the user's")
    with pytest.raises(SftdataError, match=r"neither empty nor a training run.*'notes\.txt'"):
        run_here(dataset, model_directory, tmp_path, max_steps=1)
    before = sorted(dataset.rglob("*"))
    with pytest.raises(SftdataError, match="neither empty nor a training run"):
        run_here(dataset, model_directory, dataset, max_steps=1)
    assert sorted(dataset.rglob("*")) == before
