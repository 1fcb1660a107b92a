"""Tokenizer folders without tokenizer.json: the same ids as in transformers, or what is missing."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from sftdata.base import arrow as columns
from sftdata.errors import TokenizerError
from sftdata.tokenizing.engines import ReferenceEngine
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer

TEXTS = [
    "Low lower  lowest\n\nnaïve 123 <loc> é",
    " A low\ttable [SEP] <|endoftext|>",
    "日本 don't",
]


def ids_of(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    encoded = ReferenceEngine(tokenizer.plain_text).encode(columns.texts(texts))
    return [encoded.ids[a:b].tolist() for a, b in pairwise(encoded.offsets)]


def write(folder: Path, **files: Any) -> str:
    for name, value in files.items():
        path = folder / name.replace("_json", ".json").replace("_txt", ".txt")
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return str(folder)


def gpt2_files() -> dict[str, Any]:
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    entries = [*alphabet, "lo", "low", "Ġlow", "er", "<|endoftext|>"]
    merges = "#version: 0.2\nl o\nlo w\nĠ low\ne r\n"
    return {"vocab_json": {t: i for i, t in enumerate(entries)}, "merges_txt": merges}


def bert_files() -> dict[str, Any]:
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "low", "##er", "##est", "a", "table"]
    entries += [".", "[", "]", "sep", "<", ">", "日", "naive", "don", "'", "t"]
    return {"vocab_txt": "\n".join(entries) + "\n"}


@pytest.mark.parametrize("config", [{}, {"tokenizer_class": "GPT2Tokenizer"}])
def test_vocab_and_merges_are_gpt2s_and_end_with_its_end_token(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    tokenizer = load_tokenizer(write(tmp_path, **gpt2_files(), tokenizer_config_json=config))
    assert tokenizer.eos_id == tokenizer.control_tokens["<|endoftext|>"] == 260
    assert ids_of(tokenizer, ["low lower"]) == [[257, 258, 259]]
    transformers = pytest.importorskip("transformers", reason="comes with the train extra")
    theirs = transformers.GPT2Tokenizer.from_pretrained(tmp_path)
    without_control = [text.replace("<|endoftext|>", "") for text in TEXTS]
    expected = [theirs(text, add_special_tokens=False)["input_ids"] for text in without_control]
    assert ids_of(tokenizer, without_control) == expected


def test_vocab_txt_is_berts(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(
        write(tmp_path, **bert_files(), tokenizer_config_json={"eos_token": "[SEP]"})
    )
    assert (tokenizer.eos_id, tokenizer.unk_id) == (3, 1)
    assert ids_of(tokenizer, ["A lower table.", "[SEP]"]) == [[8, 5, 6, 9, 10], [11, 13, 12]]
    transformers = pytest.importorskip("transformers", reason="comes with the train extra")
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    plain = [text.replace("[SEP]", "") for text in TEXTS]
    expected = [theirs(text, add_special_tokens=False)["input_ids"] for text in plain]
    assert ids_of(tokenizer, plain) == expected


def test_berts_words_are_lower_case_unless_its_config_says_otherwise(tmp_path: Path) -> None:
    config = {"eos_token": "[SEP]", "do_lower_case": False}
    tokenizer = load_tokenizer(write(tmp_path, **bert_files(), tokenizer_config_json=config))
    assert ids_of(tokenizer, ["a A"]) == [[8, 1]]


def test_added_tokens_have_the_ids_of_their_file(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(
        write(
            tmp_path,
            **gpt2_files(),
            added_tokens_json={"<loc>": 261, "<end>": 262},
            special_tokens_map_json={"eos_token": "<end>"},
        )
    )
    assert tokenizer.eos_id == 262
    assert ids_of(tokenizer, ["low<loc>low", "<end>"])[0] == [257, 261, 257]
    assert 262 not in ids_of(tokenizer, ["<end>"])[0]


def test_one_of_two_files_is_not_enough(tmp_path: Path) -> None:
    files = gpt2_files()
    for name, missing in (("vocab_json", r"merges\.txt"), ("merges_txt", r"vocab\.json")):
        folder = tmp_path / name
        folder.mkdir()
        with pytest.raises(TokenizerError, match=f"without {missing}"):
            load_tokenizer(write(folder, **{name: files[name]}))


@pytest.mark.parametrize("name", ["tekken.json", "qwen.tiktoken"])
def test_a_vocabulary_for_another_library_is_named_with_the_way_out(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(TokenizerError, match=rf"{name} is for another library(.|\n)*save_pretr"):
        load_tokenizer(str(tmp_path))


@pytest.mark.parametrize("files", [{"vocab_json": "{", "merges_txt": ""}, {"vocab_txt": ""}])
def test_a_damaged_vocabulary_is_one_error(tmp_path: Path, files: dict[str, Any]) -> None:
    with pytest.raises(TokenizerError):
        load_tokenizer(write(tmp_path, **files, tokenizer_config_json={"eos_token": "[SEP]"}))
