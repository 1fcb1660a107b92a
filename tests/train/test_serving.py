"""Serving: the prompt of a row is that of the shard, and the passport is held to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sftdata.errors import SftdataError
from sftdata.loader import load
from sftdata.tokenizer import load_tokenizer
from sftdata_train.passport import read_passport
from sftdata_train.prompts import prompt_ids
from sftdata_train.recipe import load_recipe
from sftdata_train.serving import answer, serving_prompt
from sftdata_train.training import prepare, train


@pytest.fixture(scope="module")
def adapter(dataset: Path, model_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("serving") / "adapter"
    recipe = load_recipe(None, max_steps=1, rank=2)
    train(prepare(dataset, str(model_directory), recipe, allow_draft=True), out)
    return out


def test_the_prompt_of_a_row_is_the_one_trained_on(
    adapter: Path, dataset: Path, model_directory: Path
) -> None:
    rows = (dataset.parent / "rows.jsonl").read_text().splitlines()
    golden = {row["id"]: row for row in map(json.loads, rows)}
    passport, tokenizer = read_passport(adapter), load_tokenizer(str(model_directory))
    for example in load(dataset)["train"]:
        row = {"article": golden[example.row_id]["article"]}  # what is known when serving
        assert serving_prompt(passport, tokenizer, row) == prompt_ids(example)


def test_an_answer_is_text_without_the_stop(adapter: Path) -> None:
    text = answer(adapter, {"article": "red cat"}, max_new_tokens=5)
    assert isinstance(text, str)
    assert "<eos>" not in text


def test_a_row_without_a_field_and_an_unknown_template_are_errors(adapter: Path) -> None:
    with pytest.raises(SftdataError, match=r"no field 'article'(?s:.*)Its fields are: text"):
        answer(adapter, {"text": "x"})
    with pytest.raises(SftdataError, match="was not trained on the template"):
        answer(adapter, {"article": "x"}, template="summarize/other")


def test_changed_weights_do_not_answer(adapter: Path) -> None:
    weights = adapter / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(SftdataError, match="not what its passport says"):
        answer(adapter, {"article": "x"})
    weights.write_bytes(content)
