"""Evaluate: exactly the rows' prompts are answered, and base and tuned are told apart."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.manifests import write_sealed
from support.places import ROOT
from support.tiny_models import llama

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.loading.dataset import load
from sftdata.loading.order import shuffle_indices
from sftdata_train.evaluating.evaluation import describe_left_out, evaluate
from sftdata_train.evaluating.page import render_evaluation
from sftdata_train.evaluating.prompts import (
    answer_ids,
    prompt_ids,
    read_task,
    select_prompts,
)
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare


@pytest.fixture(scope="module")
def adapter(dataset: Path, model_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("eval") / "adapter"
    recipe = load_recipe(None, max_steps=6, learning_rate=1e-2, micro_batch=8, accumulate=1)
    train(prepare(dataset, str(model_directory), recipe, allow_draft=True), out)
    return out


def test_base_and_tuned_are_measured_on_the_same_rows(
    dataset: Path, model_directory: Path, adapter: Path
) -> None:
    found = evaluate(
        dataset, str(model_directory), adapter, split="validation", limit=4, max_new_tokens=5
    )
    base, tuned = found.results
    assert (base.system, tuned.system) == ("base", "tuned")
    assert base.rows == tuned.rows == 4
    assert base.task_rows == {"summarize": 4}
    assert base.task_loss == {"summarize": base.loss}
    assert tuned.loss < base.loss - 0.1
    assert tuned.perplexity == pytest.approx(np.exp(tuned.loss))
    assert [s.name for s in base.scores["summarize"]] == ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    names = [s.name for s in base.scores["summarize"]]
    assert [c.metric for c in found.comparisons] == ["loss", *names]
    gain = tuned.scores["summarize"][0].value - base.scores["summarize"][0].value
    assert found.comparisons[1].difference == pytest.approx(gain)
    assert found.comparisons[0].difference == pytest.approx(tuned.loss - base.loss)
    assert found.comparisons[0].better == 1.0  # a lower loss
    assert set(found.gallery[0].answers) == {"base, 0 shots", "tuned, 0 shots"}
    json.dumps(found.to_json())
    rows = {example.row_id: example for example in load(dataset)["validation"]}
    for shown in found.gallery:
        prompt = bytes(prompt_ids(rows[shown.row_id])).decode()  # the tokenizer's ids are bytes
        assert shown.prompt == prompt
        assert shown.reference == bytes(answer_ids(rows[shown.row_id])).decode().strip()


def test_the_loss_of_an_evaluation_is_that_of_training(
    dataset: Path, model_directory: Path, adapter: Path
) -> None:
    content = json.loads((adapter / "sftdata.json").read_text())
    found = evaluate(dataset, str(model_directory), adapter, split="validation", max_new_tokens=1)
    before, after = found.results
    assert before.loss == pytest.approx(content["outcome"]["held_out_loss_before"], rel=1e-5)
    assert after.loss == pytest.approx(content["outcome"]["held_out_loss"], rel=1e-5)


def test_a_page_holds_text_from_data_inert(
    dataset: Path, model_directory: Path, adapter: Path
) -> None:
    found = evaluate(dataset, str(model_directory), split="validation", limit=2, max_new_tokens=2)
    row = found.rows[0]
    row.references[:] = ["the red cat"]
    row.answers["base"] = "the blue cat\n<script>alert(1)</script>\u202e"
    page = render_evaluation(found)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert '<div class="view">the <del>red cat</del><ins>blue cat\n&lt;script' in page


def test_after_a_kill_only_the_missing_answers_are_generated(
    dataset: Path,
    model_directory: Path,
    adapter: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    options: dict[str, Any] = {
        "split": "train", "limit": 8, "batch_size": 2, "max_new_tokens": 6,
    }  # fmt: skip
    arguments = (dataset, str(model_directory), adapter)
    whole = evaluate(*arguments, **options)
    assert list((tmp_path / "sftdata" / "answers").iterdir()) == []  # nothing stays
    lines: list[str] = []

    def interrupt(line: str) -> None:
        lines.append(line)
        if lines[-2:] == ["tuned, 0 shots, 8 rows", "  2 of 8 answers"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(*arguments, **options, report=interrupt)
    (lines := []).clear()
    again = evaluate(*arguments, **options, report=lines.append)
    counted = [line.split(" are in ")[0].strip() for line in lines if "answers" in line]
    assert counted == [
        "8 of 8 answers",
        "2 of 8 answers",
        *(f"{n} of 8 answers" for n in (4, 6, 8)),
    ]
    assert again == whole


def test_answers_stay_in_the_folder_that_is_given(
    dataset: Path, model_directory: Path, adapter: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"split": "validation", "limit": 3, "max_new_tokens": 4}
    options["answers"] = tmp_path / "answers"
    evaluate(dataset, str(model_directory), adapter, **options)
    lines = (tmp_path / "answers" / "tuned.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines[1:]]
    assert {row["row_id"] for row in rows} <= {e.row_id for e in load(dataset)["validation"]}
    assert all(bytes(row["ids"]).decode(errors="replace").strip() == row["text"] for row in rows)
    with pytest.raises(SftdataError, match=r"base.jsonl holds the answers of another.*: decoding"):
        evaluate(dataset, str(model_directory), adapter, **options | {"max_new_tokens": 5})


def test_a_limit_names_the_tasks_that_it_leaves_out(tmp_path: Path) -> None:
    build("multitask", out=tmp_path / "mixture")
    data = load(tmp_path / "mixture")
    prompts = select_prompts(data, "test", 0, limit=3, scratch=tmp_path)
    every = Counter(map(read_task, data["test"]))
    kept = Counter(map(read_task, prompts.examples))
    said = describe_left_out(prompts)
    assert said.startswith(f"--limit leaves out {len(data['test']) - 3} of the ")
    assert said.endswith(
        ": " + ", ".join(f"{every[t] - kept[t]} of {t}" for t in sorted(every)) + "."
    )


def test_an_adapter_trained_on_another_template_is_refused(
    dataset: Path, model_directory: Path, adapter: Path
) -> None:
    path = adapter / "sftdata.json"
    original = path.read_text()
    content = json.loads(original)
    content["templates"] = {"summarize/other@1.0.0": {"sha256": "0" * 64, "source": ""}}
    write_sealed(path, content)
    with pytest.raises(SftdataError, match="on which the adapter was not trained"):
        evaluate(dataset, str(model_directory), adapter, split="validation", limit=1)
    path.write_text(original)


def test_a_mixture_has_a_loss_for_each_task(tmp_path: Path) -> None:
    tokenizer = ROOT / "pipelines" / "tokenizers" / "small"
    size = len(json.loads((tokenizer / "tokenizer.json").read_text())["model"]["vocab"])
    llama(vocab_size=size + 64).to(torch.float32).save_pretrained(tmp_path / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, tmp_path / "model")
    build("multitask", out=tmp_path / "mixture")
    data = load(tmp_path / "mixture")
    (found,) = evaluate(
        tmp_path / "mixture", str(tmp_path / "model"), limit=12, max_new_tokens=1
    ).results
    assert len(found.task_loss) > 1
    assert found.task_loss.keys() == found.task_rows.keys() == found.scores.keys()
    rows = shuffle_indices(len(data["test"]), 0, 0)[:12].tolist()
    targets = dict.fromkeys(found.task_loss, 0)
    for row in rows:
        example = data["test"][row]
        targets[read_task(example)] += int(example.label_mask.sum())
    weighted = sum(found.task_loss[task] * count for task, count in targets.items())
    assert found.loss == pytest.approx(weighted / sum(targets.values()))
