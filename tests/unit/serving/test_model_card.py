"""The card of an adapter: all that its passport says, as the classes of the Hub read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from support.few_files import files_left
from support.passports import EVALUATION, SOURCE, write_adapter

from sftdata.errors import SftdataError
from sftdata.serving.model_card import is_our_card, read_evaluation, render_model_card
from sftdata.serving.passport import read_passport


@pytest.fixture
def adapter(byte_tokenizer: Path, tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "adapter", byte_tokenizer)


def card(adapter: Path, **options: Any) -> ModelCard:
    return ModelCard(render_model_card(read_passport(adapter), **options))


def test_the_head_is_what_the_hub_reads(adapter: Path, byte_tokenizer: Path) -> None:
    assert card(adapter).data.to_dict() == {
        "base_model": "someone/base",
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": ["sftdata", "sft", "lora"],
    }
    whole = write_adapter(adapter.parent / "whole", byte_tokenizer, recipe={"method": "full"})
    assert card(whole).data.library_name == "transformers"


def test_a_folder_of_this_machine_is_no_link(byte_tokenizer: Path, tmp_path: Path) -> None:
    base = {"name": "/home/me/secret/base-7b", "files": {}}
    local = write_adapter(tmp_path / "local", byte_tokenizer, base_model=base)
    text = str(card(local))
    assert "base_model:" not in text
    assert "/home/me" not in text
    assert "A LoRA adapter for base-7b: 40 rows of the dataset made" in text


def test_it_shows_the_prompt_as_text_and_as_ids(adapter: Path) -> None:
    text = card(adapter).text
    assert 'prompter({"article": "…"})' in text
    assert 'from_pretrained("someone/base")\nmodel.load_adapter("THIS_FOLDER")' in text
    #        S    a    y    :    \n  …              \n
    ids = "83, 97, 121, 58, 10, 226, 128, 166, 10"
    assert f"```text\nSay:\n…\n```\n\n9 ids: `{ids}`" in text
    assert "stop at\nthe first of the ids `256`" in text


def test_it_is_not_made_where_the_tokenizer_cannot_be_read(adapter: Path) -> None:
    passport = read_passport(adapter)
    with files_left(0), pytest.raises(OSError, match="Too many open files"):
        render_model_card(passport)


def test_for_the_hub_the_code_fetches_the_folder(adapter: Path) -> None:
    text = card(adapter, repository="me/adapter").text
    assert 'folder = snapshot_download("me/adapter")\n' in text
    assert "model.load_adapter(folder)" in text
    assert "# me/adapter" in text


def test_it_shows_each_template_whole(byte_tokenizer: Path, tmp_path: Path) -> None:
    fenced = (
        "{% block prompt %}\n```\n{{ article }}\n```\n{% endblock %}\n"
        "{% block target %}\n{{ summary }}\n{%- endblock %}\n"
    )
    templates = {
        f"made/{name}@1.0.0": {"sha256": "0" * 64, "source": fenced} for name in ("a", "b")
    }
    text = card(write_adapter(tmp_path / "two", byte_tokenizer, templates=templates)).text
    assert text.count(f"````jinja\n{fenced.rstrip()}\n````") == 2
    assert 'prompter({"article": "…"}, template="made/a@1.0.0")' in text


def test_it_shows_losses_and_settings(adapter: Path) -> None:
    text = card(adapter).text
    assert "| last training loss | 1.5000 |" in text
    assert "| held-out loss | 1.2500 |" in text
    assert "| rank | 8 |" in text
    assert "](loss.svg)" not in text
    (adapter / "loss.svg").write_text("<svg/>")
    assert "](loss.svg)" in card(adapter).text


def test_an_evaluation_is_a_table_for_each_task(adapter: Path) -> None:
    Path("eval.json").write_text(json.dumps(EVALUATION))
    text = card(adapter, evaluation=read_evaluation(Path("eval.json"))).text
    assert "| made | shots | loss | chrF |\n| --- | ---: | ---: | ---: |\n" in text
    assert "| base | 0 | 3.5000 | 20.0 [1.0, 99.0] |" in text
    assert "| tuned | 0 | 1.2500 | 61.5 [1.0, 99.0] |" in text
    assert "## Evaluation" not in card(adapter).text


LONG_LOSS = json.dumps(EVALUATION).replace("1.25", "9" * 400)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"results": []}', LONG_LOSS])
def test_a_file_without_an_evaluation_says_how_to_make_one(content: str) -> None:
    Path("eval.json").write_text(content)
    with pytest.raises(SftdataError, match=r"eval\.json does not hold(?s:.*)sftdata eval"):
        read_evaluation(Path("eval.json"))
    with pytest.raises(SftdataError, match="There is no file 'gone"):
        read_evaluation(Path("gone.json"))


def test_only_our_card_and_a_blank_one_are_replaced(adapter: Path) -> None:
    path = adapter / "README.md"
    assert is_our_card(path)
    path.write_text(render_model_card(read_passport(adapter)))
    assert is_our_card(path)
    path.write_text("# Model Card\n\n- **License:** [More Information Needed]\n")
    assert is_our_card(path)
    path.write_text("# My adapter\n")
    assert not is_our_card(path)


def test_a_template_with_another_label_is_refused(byte_tokenizer: Path, tmp_path: Path) -> None:
    templates = {"made/say": {"sha256": "0" * 64, "source": SOURCE}}
    adapter = write_adapter(tmp_path / "odd", byte_tokenizer, templates=templates)
    with pytest.raises(SftdataError, match="'templates' is 'made/say', not TASK/NAME@VERSION"):
        read_passport(adapter)
