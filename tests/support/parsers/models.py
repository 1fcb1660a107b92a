"""Parsers of passports and of the files of a tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson

from sftdata.base.sealed_json import FILES, to_json
from sftdata.serving.passport import read_passport
from sftdata.tokenizing.examine import find_checked_facts
from sftdata.tokenizing.files import (
    parse_json,
    read_added_tokens,
    read_chat_templates,
    read_config,
    read_end_ids,
)
from support.byte_tokenizer import write_byte_tokenizer
from support.parsers.datasets import encode_sealed, with_digest
from support.parsers.parser import Parser

PASSPORT = {
    "version": 1,
    "data": {"build": "0" * 16, "task": "made", "draft": False, "split": "train", "shards": []},
    "templates": {"t/t@1.0.0": {"sha256": "0" * 64, "source": "x"}},
    "tokenizer": {"name": "t", "sha256": "0" * 64},
    "chat": None, "stop_ids": [1], "files": {"a/b": "0" * 64}, "recipe": {"method": "full"},
    "base_model": {"name": "m", "files": {"config.json": "0" * 64}, "revision": None},
    "weights": {"model.safetensors": "0" * 64}, "conversations": {},
}  # fmt: skip
TOKENIZER_CONFIG = {
    "eos_token": {"content": "<eos>"}, "pad_token": "<eos>", "bos_token": "<bos>",
    "added_tokens_decoder": {
        "256": {"content": "<eos>", "special": True}, "257": {"content": "<bos>", "lstrip": True},
    },
    "additional_special_tokens": ["<bos>"], "extra_special_tokens": {"x_token": "<bos>"},
    "chat_template": [{"name": "default", "template": "x"}], "eos_token_id": [256, 7],
    "add_bos_token": True,
}  # fmt: skip


def _passport() -> Parser:
    def read(data: bytes) -> None:
        Path("sftdata.json").write_bytes(with_digest(data))
        _ = read_passport(Path()).is_whole_model

    unsealed = {key: value for key, value in PASSPORT.items() if key != FILES}
    return Parser(read, [PASSPORT], encode_sealed, [to_json(unsealed)])


def _tokenizer_json() -> Parser:
    content = (write_byte_tokenizer(Path("bytes")) / "tokenizer.json").read_bytes()
    config = {"eos_token": "<eos>"}

    def read(data: bytes) -> None:
        path = Path("tokenizer.json")
        find_checked_facts(path, parse_json(path, data), config, {}, [])

    spec = orjson.loads(content)
    spec["model"]["vocab"] = {"a": 0, "b": 1, "ab": 2, "c": 3}
    spec["model"]["merges"] = [["a", "b"]]
    spec["added_tokens"][0]["id"] = 4
    spec["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            {"type": "NFC"},
            {"type": "Replace", "pattern": {"Regex": "x+"}, "content": "y"},
        ],
    }
    spec["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<eos>", "type_id": 0}}, {"Sequence": {"id": "A"}}],
        "pair": [],
        "special_tokens": {"<eos>": {"id": "<eos>", "ids": [4], "tokens": ["<eos>"]}},
    }
    unigram = spec | {
        "model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0.0], ["<eos>", -1.5]]},
        "added_tokens": [],
    }
    return Parser(read, [spec, unigram])


def _tokenizer_config() -> Parser:
    folder = write_byte_tokenizer(Path("bytes"))
    path = folder / "tokenizer.json"
    spec = parse_json(path, path.read_bytes())

    def read(data: bytes) -> None:
        for name in ("tokenizer_config.json", "generation_config.json"):
            (folder / name).write_bytes(data)
        config = read_config(folder)
        read_chat_templates(folder, config)
        find_checked_facts(path, spec, config, {}, read_end_ids(folder))

    return Parser(read, [TOKENIZER_CONFIG])


def _added_tokens() -> Parser:
    folder = write_byte_tokenizer(Path("bytes"))
    path = folder / "tokenizer.json"
    spec = parse_json(path, path.read_bytes())

    def read(data: bytes) -> None:
        (folder / "added_tokens.json").write_bytes(data)
        find_checked_facts(path, spec, {"eos_token": "<eos>"}, read_added_tokens(folder), [])

    return Parser(read, [{"<eos>": 256, "<x>": 257}])


PARSERS: dict[str, Callable[[], Parser]] = {
    "passport": _passport,
    "tokenizer-json": _tokenizer_json,
    "tokenizer-config": _tokenizer_config,
    "added-tokens": _added_tokens,
}
