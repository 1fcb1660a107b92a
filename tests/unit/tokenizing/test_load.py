"""What the files beside tokenizer.json say: end tokens, added tokens, chat templates."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sftdata.base.cache import read_facts
from sftdata.errors import TokenizerError
from sftdata.tokenizing.load import load_tokenizer

Write = Callable[..., str]


@pytest.fixture
def write(byte_tokenizer: Path, tmp_path: Path) -> Write:
    """Writes the byte tokenizer (`<eos>` is 256) with other files beside it."""

    def write_folder(config: dict[str, Any], **files: Any) -> str:
        shutil.copy(byte_tokenizer / "tokenizer.json", tmp_path)
        for name, value in {"tokenizer_config.json": config, **files}.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(value if isinstance(value, str) else json.dumps(value))
        return str(tmp_path)

    return write_folder


def token(content: str, **flags: bool) -> dict[str, Any]:
    names = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return {"content": content, **dict.fromkeys(names, False), **flags}


@pytest.mark.parametrize(
    ("generation", "model", "stops"),
    [
        ({}, {}, (256,)),
        ({"eos_token_id": 256}, {}, (256,)),
        ({"eos_token_id": [10, 256]}, {"eos_token_id": 11}, (256, 10, 11)),
        ({"eos_token_id": [10, 999_999]}, {}, (256, 10)),  # past the vocabulary
    ],
)
def test_an_answer_stops_at_eos_and_at_the_models_end_ids(
    write: Write, generation: Any, model: Any, stops: tuple[int, ...]
) -> None:
    files = {"generation_config.json": generation, "config.json": model}
    assert load_tokenizer(write({"eos_token": "<eos>"}, **files)).stop_ids == stops


def test_without_an_eos_token_the_models_end_id_is_used_and_said(write: Write) -> None:
    tokenizer = load_tokenizer(write({}, **{"config.json": {"eos_token_id": 256}}))
    assert tokenizer.eos_id == 256
    assert "'<eos>' is used" in tokenizer.notes[0]


def test_an_end_id_that_is_no_number_is_an_error(write: Write) -> None:
    files = {"generation_config.json": {"eos_token_id": "<eos>"}}
    with pytest.raises(TokenizerError, match=r"generation_config\.json: eos_token_id"):
        load_tokenizer(write({"eos_token": "<eos>"}, **files))


def test_a_tokenizer_without_eos_names_its_special_tokens(write: Write) -> None:
    with pytest.raises(TokenizerError, match=r'special tokens: <eos>(.|\n)*"eos_token": "<eos>"'):
        load_tokenizer(write({}))


@pytest.mark.parametrize(
    ("config", "files"),
    [
        ({"added_tokens_decoder": {"257": token("<loc>")}}, {}),
        ({}, {"added_tokens.json": {"<loc>": 257}}),
    ],
)
def test_a_declared_token_that_tokenizer_json_lacks_is_added_and_said(
    write: Write, config: dict[str, Any], files: dict[str, Any]
) -> None:
    folder = write({"eos_token": "<eos>", **config}, **files)
    first, second = load_tokenizer(folder), load_tokenizer(folder)
    assert first == second
    assert first.vocab_size == 258
    assert first.added_tokens["<loc>"]["id"] == 257
    assert b'"<loc>"' in first.content
    assert "'<loc>' of the config are added" in first.notes[0]


def test_declared_settings_win_as_in_transformers(write: Write) -> None:
    decoder = {"256": token("<eos>", special=True, lstrip=True)}
    tokenizer = load_tokenizer(write({"eos_token": "<eos>", "added_tokens_decoder": decoder}))
    assert tokenizer.added_tokens["<eos>"]["lstrip"]
    assert "have other settings there" in tokenizer.notes[0]


@pytest.mark.parametrize(
    ("decoder", "ids"),
    [
        ({"300": token("<eos>")}, "id 300 .* and 256"),
        ({"256": token("<loc>")}, "id 256 .* and 257"),
        ({"300": token("<loc>")}, "id 300 .* and 257"),
    ],
)
def test_a_token_with_two_ids_is_an_error(write: Write, decoder: Any, ids: str) -> None:
    with pytest.raises(TokenizerError, match=ids):
        load_tokenizer(write({"eos_token": "<eos>", "added_tokens_decoder": decoder}))


NAMED = [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]


@pytest.mark.parametrize(
    ("config", "files", "template", "note"),
    [
        ({}, {}, None, None),
        ({"chat_template": "C"}, {}, "C", None),
        ({"chat_template": NAMED}, {}, "D", "tool_use, default; 'default' is used"),
        ({"chat_template": NAMED[:1]}, {}, "T", None),
        ({"chat_template": "C"}, {"chat_template.json": {"chat_template": "J"}}, "J", None),
        ({"chat_template": "C"}, {"chat_template.jinja": "F"}, "F", None),
        (
            {},
            {"chat_template.jinja": "F", "additional_chat_templates__rag.jinja": "R"},
            "F",
            "default, rag; 'default' is used",
        ),
        (
            {"chat_template": NAMED[:1]},
            {"additional_chat_templates__rag.jinja": "R"},
            None,
            "none of them is used",
        ),
    ],
)
def test_the_chat_template_is_the_one_that_transformers_takes_and_a_choice_is_said(
    write: Write, config: Any, files: Any, template: str | None, note: str | None
) -> None:
    tokenizer = load_tokenizer(write({"eos_token": "<eos>", **config}, **files))
    assert tokenizer.chat_template == template
    assert len(tokenizer.chat_notes) == (note is not None)
    assert note is None or note in tokenizer.chat_notes[0]


@pytest.mark.parametrize(
    ("config", "files"),
    [
        ({"chat_template": 3}, {}),
        ({"chat_template": [{"name": "default"}]}, {}),
        ({}, {"chat_template.json": {"template": "J"}}),
        ({}, {"added_tokens.json": "[]"}),
        ({}, {"tokenizer.json": "version https://git-lfs.github.com/spec/v1\noid"}),
        ({"added_tokens_decoder": {"x": token("<loc>")}}, {}),
        ({"added_tokens_decoder": {"257": 3}}, {}),
    ],
)
def test_a_file_that_says_something_else_is_one_error(
    write: Write, config: Any, files: Any
) -> None:
    with pytest.raises(TokenizerError):
        load_tokenizer(write({"eos_token": "<eos>", **config}, **files))


def test_a_flipped_bit_in_the_cache_changes_nothing(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever byte of an entry it is in; here of the facts that decide EOS and control tokens."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write({"eos_token": "<eos>"})
    right = load_tokenizer(folder)
    (entry,) = (tmp_path / "cache" / "sftdata" / "tokenizers").iterdir()
    content = entry.read_bytes()
    for at in range(len(content)):
        entry.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert read_facts("tokenizers", entry.name) == {}
    assert load_tokenizer(folder) == right
    assert entry.read_bytes() == content  # made again
