"""Evaluate: exactly the rows' prompts are answered, and base and tuned are told apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.tiny_models import llama

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset, Example, load
from sftdata.rendering.template import parse_template
from sftdata.versioning.releases import load_template
from sftdata_train.evaluation import evaluate
from sftdata_train.evaluation_prompts import answer_ids, prompt_ids, prompts_for, source_text
from sftdata_train.generation import generate
from sftdata_train.page import render_evaluation
from sftdata_train.recipe import load_recipe
from sftdata_train.training_run import prepare, train


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
    assert tuned.loss < base.loss - 0.1
    assert tuned.perplexity == pytest.approx(np.exp(tuned.loss))
    assert [s.name for s in base.scores["summarize"]] == ["rouge1", "rouge2", "rougeL", "rougeLsum"]
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
    shown = found.gallery[0]
    shown.answers["base, 0 shots"] = "<script>alert(1)</script>\u202e"
    page = render_evaluation(found)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page


def test_an_adapter_trained_on_another_template_is_refused(
    dataset: Path, model_directory: Path, adapter: Path
) -> None:
    path = adapter / "sftdata.json"
    original = path.read_text()
    content = json.loads(original)
    content["templates"] = {"summarize/other@1.0.0": {"sha256": "0" * 64, "source": ""}}
    path.write_text(json.dumps(content))
    with pytest.raises(SftdataError, match="on which the adapter was not trained"):
        evaluate(dataset, str(model_directory), adapter, split="validation", limit=1)
    path.write_text(original)


def test_shots_stand_before_the_same_rows(dataset: Path, data: Dataset, tmp_path: Path) -> None:
    none, two = (
        prompts_for(data, "validation", shots, limit=3, scratch=tmp_path) for shots in (0, 2)
    )
    assert none.data is data
    by_id = {example.row_id: example for example in two.examples}
    assert set(by_id) == {example.row_id for example in none.examples}
    for example in none.examples:
        text, with_shots = (bytes(prompt_ids(e)) for e in (example, by_id[example.row_id]))
        assert with_shots.count(b"Summary:") == 3
        assert with_shots.endswith(text[text.index(b"Article:") :])
        assert answer_ids(by_id[example.row_id]) == answer_ids(example)


def test_an_empty_split_names_the_others(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SftdataError, match=r"no rows to evaluate on(?s:.*)train, validation"):
        prompts_for(data, "test", 0, limit=0, scratch=tmp_path)


def test_answers_do_not_depend_on_what_stands_beside_them_in_a_batch() -> None:
    model = llama()
    prompts = [[1, 2, 3], [7], [9, 8, 7, 6, 5, 4, 3, 2, 1], [50, 60]]
    together = generate(model, prompts, [256], max_new_tokens=8, batch_size=4)
    alone = [generate(model, [p], [256], max_new_tokens=8, batch_size=1)[0] for p in prompts]
    assert together == alone
    greedy, ids = [], list(prompts[0])
    for _ in range(8):
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
        greedy.append(ids[-1])
    assert together[0] == greedy[: len(together[0])]


def test_an_answer_ends_before_any_of_the_stop_ids() -> None:
    model = llama()
    whole = generate(model, [[1, 2, 3]], [256], max_new_tokens=8)[0]
    stop = whole[4]
    assert (
        generate(model, [[1, 2, 3]], [256, stop], max_new_tokens=8)[0] == whole[: whole.index(stop)]
    )


def test_of_several_turns_the_first_answer_is_the_reference() -> None:
    ids = np.array([1, 2, 3, 4, 5, 6, 7, 8], np.int32)
    mask = np.array([0, 0, 1, 1, 1, 0, 1, 1], np.bool_)
    example = Example("r", "t", ids, mask, 2)
    assert (prompt_ids(example), answer_ids(example)) == ([1, 2], [3, 4])


def test_the_source_is_read_out_of_the_last_prompt() -> None:
    template = parse_template(
        "grammar/x",
        "{% block prompt %}\nFix:\n{{ text }}\nFixed:\n{% endblock %}"
        "{% block target %}{{ corrected }}{% endblock %}",
    )
    shot = "Fix:\nhe go\nFixed:\nhe goes\n\n"
    assert source_text(f"{shot}Fix:\nshe go\nFixed:\n", template) == "she go"
    assert source_text("<s>user\nFix:\nshe go\nFixed:</s>\n", template) == "she go"
    assert source_text("nothing like it", template) is None
    two = load_template("summarize/article")
    assert source_text("Article:\nx\n\nSummary:\n", two) == "x"
