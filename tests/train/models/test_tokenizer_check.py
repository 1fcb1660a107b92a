"""The model's tokenizer is refused when it encodes text otherwise than the dataset's."""

from __future__ import annotations

import json
from pathlib import Path

from support.refused_runs import refusal

from sftdata_train.training.recipe import Recipe
from sftdata_train.training.training_run import prepare


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
