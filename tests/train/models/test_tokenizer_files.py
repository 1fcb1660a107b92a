"""The tokenizer beside the weights: the model's, with the chat template that was trained on."""

from __future__ import annotations

import shutil
from pathlib import Path

from sftdata.tokenizing.load import load_tokenizer
from sftdata_train.models.tokenizer_files import has_tokenizer, save_tokenizer


def test_the_models_tokenizer_comes_first_and_the_trained_chat_template_wins(
    model_directory: Path, byte_tokenizer: Path, tmp_path: Path
) -> None:
    out, bare, model = tmp_path / "out", tmp_path / "bare", tmp_path / "model"
    out.mkdir()
    bare.mkdir()
    shutil.copytree(model_directory, model)
    (model / "chat_template.jinja").write_text("another")
    assert not has_tokenizer(bare)
    save_tokenizer(out, str(model), str(byte_tokenizer), {"template": "{{ messages }}"})
    assert load_tokenizer(str(out)).chat_template == "{{ messages }}"
    assert {path.name for path in out.iterdir()} == {
        "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
    }  # fmt: skip


def test_a_model_without_a_tokenizer_gets_the_datasets(
    byte_tokenizer: Path, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "out").mkdir()
    save_tokenizer(tmp_path / "out", str(tmp_path / "bare"), str(byte_tokenizer), None)
    assert load_tokenizer(str(tmp_path / "out")).sha256 == load_tokenizer(
        str(byte_tokenizer)
    ).sha256  # fmt: skip
