"""Serving: the prompt of a row is that of the shard, and the passport is held to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.loading.dataset import load
from sftdata.serving.passport import Passport, read_passport
from sftdata.serving.recorded_prompt import PassportRenderer
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata_train.evaluating.prompts import answer_ids, prompt_ids
from sftdata_train.generating.answering import answer
from sftdata_train.passport import describe_run, load_built_templates
from sftdata_train.training.recipe import Recipe, load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare


@pytest.fixture(scope="module")
def adapter(dataset: Path, model_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("serving") / "adapter"
    recipe = load_recipe(None, max_steps=1, rank=2)
    train(prepare(dataset, str(model_directory), recipe, allow_draft=True), out)
    return out


def encode_prompt(
    passport: Passport, tokenizer: Tokenizer, row: Mapping[str, Any], template: str | None = None
) -> list[int]:
    return PassportRenderer(passport, tokenizer).render(row, template=template).input_ids


def golden_rows(dataset: Path) -> dict[str, dict[str, str]]:
    rows = (dataset.parent / "rows.jsonl").read_text().splitlines()
    return {row["id"]: row for row in map(json.loads, rows)}


def test_the_prompt_of_a_row_is_the_one_trained_on(
    adapter: Path, dataset: Path, model_directory: Path
) -> None:
    golden = golden_rows(dataset)
    passport, tokenizer = read_passport(adapter), load_tokenizer(str(model_directory))
    for example in load(dataset)["train"]:
        row = {"article": golden[example.row_id]["article"]}  # what is known when serving
        assert encode_prompt(passport, tokenizer, row) == prompt_ids(example)


@pytest.fixture
def chat_tokenizer(byte_tokenizer: Path, tmp_path: Path) -> Path:
    """The byte tokenizer with two turn markers and a chat template of the usual form."""
    folder = Path(shutil.copytree(byte_tokenizer, tmp_path / "chat-tokenizer"))
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens(["<|start|>", "<|end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    template = (
        "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
    )
    (folder / "chat_template.jinja").write_text(template)
    return folder


@pytest.mark.parametrize("shots", [0, 2])
def test_a_chat_prompt_is_the_one_trained_on_too(
    shots: int, dataset: Path, chat_tokenizer: Path, model_directory: Path, tmp_path: Path
) -> None:
    built = build(
        "summarize", template="summarize/article", checks={}, chat=True, shots=shots,
        data=dataset.parent / "rows.jsonl", tokenizer=chat_tokenizer, out=tmp_path / "chat",
    )  # fmt: skip
    data = load(tmp_path / "chat")
    templates = load_built_templates(built.manifest)
    passport = Passport(
        tmp_path, describe_run(data, "train", str(model_directory), Recipe(), templates)
    )
    assert passport["stop_ids"] == [258, 256]  # <|end|>, and EOS
    # Beside a model the same tokenizer may lie without its chat template, or with another one.
    tokenizer = replace(load_tokenizer(str(chat_tokenizer)), chat_template="{{ messages }}")
    golden = golden_rows(dataset)
    plain = {example.row_id: example for example in load(dataset)["train"]}
    for example in data["train"]:
        row = {"article": golden[example.row_id]["article"]}
        if shots:
            with pytest.raises(SftdataError, match="trained on prompts with shots"):
                encode_prompt(passport, tokenizer, row)
        else:
            assert encode_prompt(passport, tokenizer, row) == prompt_ids(example)
        assert answer_ids(example) == answer_ids(plain[example.row_id])


def test_an_answer_is_text_without_the_stop(adapter: Path) -> None:
    found = answer(adapter, {"article": "red cat"}, max_new_tokens=5)
    assert "<eos>" not in found.text
    assert found.decoding.to_json() == {
        "mode": "greedy", "settings": {}, "unused": {}, "max_new_tokens": 5, "stop_ids": (256,),
    }  # fmt: skip


def test_a_row_without_a_field_and_an_unknown_template_are_errors(adapter: Path) -> None:
    with pytest.raises(SftdataError, match=r"no field 'article'(?s:.*)Its fields are: text"):
        answer(adapter, {"text": "x"})
    with pytest.raises(SftdataError, match="was not trained on the template"):
        answer(adapter, {"article": "x"}, template="summarize/other")


def test_a_row_may_lack_an_optional_field(model_directory: Path, tmp_path: Path) -> None:
    rows = [{"id": word, "instruction": f"Say {word}.", "output": word} for word in "abc"]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    tokenizer = str(model_directory)
    built = build(
        "instruct", template="instruct/plain", data=tmp_path / "rows.jsonl", tokenizer=tokenizer,
        split={"train": 1.0}, out=tmp_path / "data",
    )  # fmt: skip
    data, templates = load(tmp_path / "data"), load_built_templates(built.manifest)
    passport = Passport(tmp_path, describe_run(data, "train", tokenizer, Recipe(), templates))
    assert passport["templates"]["instruct/plain@1.0.0"]["defaults"] == {"input": "", "system": ""}
    example, byte_tokenizer = data["train"][0], load_tokenizer(tokenizer)
    asked = {"instruction": f"Say {example.row_id}."}
    assert encode_prompt(passport, byte_tokenizer, asked) == prompt_ids(example)
    with pytest.raises(SftdataError, match=r"no field 'instruction'(?s:.*)Its fields are: none"):
        encode_prompt(passport, byte_tokenizer, {"instruction": None})


def test_of_several_templates_one_is_asked_for(adapter: Path, model_directory: Path) -> None:
    passport, tokenizer = read_passport(adapter), load_tokenizer(str(model_directory))
    (label,) = passport["templates"]
    other = {"sha256": "0", "source": passport["templates"][label]["source"].replace(":", "?")}
    content = dict(passport.content) | {"templates": {"a/b@1.0.0": other} | passport["templates"]}
    both, row = Passport(adapter, content), {"article": "x"}
    with pytest.raises(SftdataError, match=f"2 templates: a/b@1.0.0, {label}(?s:.*)--template a/b"):
        encode_prompt(both, tokenizer, row)
    assert encode_prompt(both, tokenizer, row, label) == encode_prompt(passport, tokenizer, row)
    assert encode_prompt(both, tokenizer, row, "a/b") == encode_prompt(
        both, tokenizer, row, "a/b@1.0.0"
    )
    assert encode_prompt(both, tokenizer, row, "a/b") != encode_prompt(passport, tokenizer, row)


def test_an_adapter_of_conversations_has_no_template(adapter: Path, model_directory: Path) -> None:
    content = dict(read_passport(adapter).content) | {"templates": {}}
    tokenizer = load_tokenizer(str(model_directory))
    with pytest.raises(SftdataError, match="trained on conversations"):
        encode_prompt(Passport(adapter, content), tokenizer, {"article": "x"})


def test_changed_weights_do_not_answer(adapter: Path) -> None:
    weights = adapter / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(SftdataError, match=r"does not agree(?s:.*)not the weights recorded"):
        answer(adapter, {"article": "x"})
    weights.write_bytes(content)


def test_shots_come_from_the_dataset(
    dataset: Path, byte_tokenizer: Path, model_directory: Path, tmp_path: Path
) -> None:
    shown, out = tmp_path / "shown", tmp_path / "adapter"
    build(
        "summarize", template="summarize/article", checks={}, shots=2, max_length=None,
        data=dataset.parent / "rows.jsonl", tokenizer=byte_tokenizer, out=shown,
    )  # fmt: skip
    recipe = load_recipe(None, max_steps=1, rank=2)
    train(prepare(shown, str(model_directory), recipe, allow_draft=True), out)
    golden = golden_rows(dataset)
    example = load(shown)["test"][0]
    row = golden[example.row_id]
    found = answer(out, row, dataset=shown, max_new_tokens=2)
    assert found.prompt_ids == prompt_ids(example)
    with pytest.raises(SftdataError, match="--dataset DIR"):
        answer(out, row, max_new_tokens=2)
    with pytest.raises(SftdataError, match="was not trained on"):
        answer(out, row, dataset=dataset, max_new_tokens=2)
