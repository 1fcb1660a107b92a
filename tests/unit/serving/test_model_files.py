"""The files of an adapter that are published, and the card beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.passports import write_adapter

from sftdata.errors import VerificationError
from sftdata.serving.model_files import list_model_files, write_model_card
from sftdata.serving.passport import read_passport


@pytest.fixture
def adapter(byte_tokenizer: Path, tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "adapter", byte_tokenizer)


def test_the_files_of_the_passport_go_and_no_others(adapter: Path) -> None:
    (adapter / "answers.json").write_text("[]")
    (adapter / "runs").mkdir()
    (adapter / ".cache").mkdir()
    said: list[str] = []
    files = list_model_files(read_passport(adapter), "me/adapter", report=said.append)
    assert sorted(files) == [
        "README.md", "adapter_config.json", "adapter_model.safetensors", "sftdata.json",
        "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    assert said == [f"{adapter} also holds answers.json, runs, which is not pushed."]


def test_an_older_passport_records_the_weights_alone(byte_tokenizer: Path, tmp_path: Path) -> None:
    old = write_adapter(tmp_path / "old", byte_tokenizer, files=None)
    (old / "answers.json").write_text("[]")
    files = list_model_files(read_passport(old), "me/adapter")
    assert {"tokenizer.json", "adapter_model.safetensors"} <= files.keys()
    assert "answers.json" not in files


def test_changed_weights_are_refused(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").write_bytes(b"other")
    (adapter / "tokenizer.json").unlink()
    with pytest.raises(VerificationError) as error:
        list_model_files(read_passport(adapter), "me/adapter")
    assert "adapter_model.safetensors: not the file of the training" in str(error.value)
    assert "tokenizer.json: the file is missing" in str(error.value)


def test_the_card_is_made_for_the_repository(adapter: Path) -> None:
    card = list_model_files(read_passport(adapter), "me/adapter")["README.md"]
    assert isinstance(card, bytes)
    assert b'snapshot_download("me/adapter")' in card


def test_a_card_of_the_user_goes_as_it_is(adapter: Path) -> None:
    (adapter / "README.md").write_text("# Mine\n")
    write_model_card(read_passport(adapter))
    said: list[str] = []
    files = list_model_files(read_passport(adapter), "me/adapter", report=said.append)
    assert files["README.md"] == adapter / "README.md"
    assert (adapter / "README.md").read_text() == "# Mine\n"
    assert said == [f"{adapter}/README.md is not a card of sftdata, so it is pushed as it is."]


def test_a_base_model_of_this_machine_is_named(byte_tokenizer: Path, tmp_path: Path) -> None:
    base = {"name": "/models/base", "files": {}}
    local = write_adapter(tmp_path / "local", byte_tokenizer, base_model=base)
    said: list[str] = []
    list_model_files(read_passport(local), "me/adapter", report=said.append)
    assert said == [
        "The base model is a folder of this machine, /models/base, so the card names it without a "
        "link and sftdata.json shows its path."
    ]
