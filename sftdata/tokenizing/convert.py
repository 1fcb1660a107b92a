"""Convert the older files of a tokenizer to the `tokenizer.json` that says the same.

GPT-2's `vocab.json` with `merges.txt` and BERT's `vocab.txt` are read here. transformers converts
SentencePiece models and the files of other classes, whose rules only it knows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import tokenizers

from sftdata.errors import TokenizerError
from sftdata.tokenizing.added_tokens import declared_tokens, special_names
from sftdata.tokenizing.files import read_added_tokens, read_config

_GPT2 = {"GPT2Tokenizer", "GPT2TokenizerFast"}
_BERT = {"BertTokenizer", "BertTokenizerFast"}
_GPT2_SPECIAL = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
_BERT_SPECIAL = {
    "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}  # fmt: skip
_OTHER_LIBRARIES = ("tekken.json", "*.tiktoken", "*.bin", "*.gguf")


def convert_in_child(data: bytes) -> bytes:
    """`convert_files` of the folder that `data` names: for a process with limits."""
    directory = Path(os.fsdecode(data))
    return convert_files(directory, read_config(directory), read_added_tokens(directory))


def class_defaults(directory: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """The special tokens that transformers gives a class whose config names none."""
    if config.get("tokenizer_class") in _GPT2 or _is_plain(directory, config, "vocab.json"):
        return _GPT2_SPECIAL
    if config.get("tokenizer_class") in _BERT or _is_plain(directory, config, "vocab.txt"):
        return _BERT_SPECIAL
    return {}


def convert_files(
    directory: Path, config: Mapping[str, Any], added_file: Mapping[str, Any]
) -> bytes:
    """The `tokenizer.json` of a directory without one.

    Raises `TokenizerError` that names the file that is missing or the library that reads the rest.
    """
    vocab_json, merges, vocab_txt = (
        directory / name for name in ("vocab.json", "merges.txt", "vocab.txt")
    )
    class_ = config.get("tokenizer_class")
    if vocab_json.is_file() and not merges.is_file():
        raise TokenizerError(
            f"{directory} holds vocab.json without merges.txt.",
            "Copy merges.txt, or tokenizer.json, from where the tokenizer came from.",
            code="E601",
        )
    if merges.is_file() and not vocab_json.is_file():
        raise TokenizerError(
            f"{directory} holds merges.txt without vocab.json.",
            "Copy vocab.json, or tokenizer.json, from where the tokenizer came from.",
            code="E601",
        )
    if vocab_json.is_file() and (class_ is None or class_ in _GPT2):
        return _build(directory, config, added_file, lambda: _gpt2(vocab_json, merges, config))
    if vocab_txt.is_file() and (class_ is None or class_ in _BERT):
        return _build(directory, config, added_file, lambda: _bert(vocab_txt, config))
    if vocab_json.is_file() or vocab_txt.is_file() or any(directory.glob("*.model")):
        return _convert_with_transformers(directory)
    others = [path.name for name in _OTHER_LIBRARIES for path in sorted(directory.glob(name))]
    raise TokenizerError(
        f"{directory} holds neither tokenizer.json nor a SentencePiece model (*.model), nor "
        "vocab.json with merges.txt, nor vocab.txt"
        + (f"; {others[0]} is for another library." if others else "."),
        "Save the tokenizer for transformers once, which writes tokenizer.json: "
        "AutoTokenizer.from_pretrained(…).save_pretrained(DIR)"
        if others
        else "Give the directory of a tokenizer or of a model.",
        code="E601",
    )


def _is_plain(directory: Path, config: Mapping[str, Any], name: str) -> bool:
    is_old = (directory / name).is_file() and not (directory / "tokenizer.json").is_file()
    return is_old and config.get("tokenizer_class") is None


def _build(
    directory: Path,
    config: Mapping[str, Any],
    added_file: Mapping[str, Any],
    make: Callable[[], tokenizers.Tokenizer],
) -> bytes:
    """The file of the tokenizer from `make`, with its special and its added tokens."""
    try:
        tokenizer = make()
    except Exception as error:  # the library raises the base class
        raise TokenizerError(
            f"{directory}: its vocabulary cannot be read: {error}",
            "Copy the files again from where the tokenizer came from.",
        ) from error
    names = special_names({**class_defaults(directory, config), **config})
    ids = {name: tokenizer.token_to_id(name) for name in sorted(names)}
    known = {name: number for name, number in ids.items() if number is not None}
    tokenizer.add_special_tokens(sorted(known, key=known.__getitem__))
    for token in declared_tokens(config, added_file):
        flags = {name: token[name] for name in ("single_word", "lstrip", "rstrip", "normalized")}
        added = tokenizers.AddedToken(token["content"], special=token["special"], **flags)
        (tokenizer.add_special_tokens if token["special"] else tokenizer.add_tokens)([added])
    return str(tokenizer.to_str()).encode()


def _gpt2(vocab: Path, merges: Path, config: Mapping[str, Any]) -> tokenizers.Tokenizer:
    entries = orjson.loads(vocab.read_bytes())
    lines = merges.read_text(encoding="utf-8").split("\n")
    if lines[0].startswith("#version"):
        del lines[0]
    pairs = [(left, right) for left, right in (line.split(" ") for line in lines if line)]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(entries, pairs))
    prefix = bool(config.get("add_prefix_space", False))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    return tokenizer


def _bert(vocab: Path, config: Mapping[str, Any]) -> tokenizers.Tokenizer:
    lines = vocab.read_text(encoding="utf-8").split("\n")
    entries = {line.rstrip("\r"): number for number, line in enumerate(lines) if line}
    unknown = config.get("unk_token", _BERT_SPECIAL["unk_token"])
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(entries, unk_token=unknown))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=bool(config.get("tokenize_chinese_chars", True)),
        strip_accents=config.get("strip_accents"),
        lowercase=bool(config.get("do_lower_case", True)),
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    return tokenizer


def _convert_with_transformers(directory: Path) -> bytes:
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise TokenizerError(
            f"{directory} has no tokenizer.json, and transformers must convert the files it has.",
            "Install it: pip install 'sftdata[train]'",
        ) from error
    try:
        # Without the last argument, transformers asks the user whether to run code of the folder.
        fast = AutoTokenizer.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
        return str(fast.backend_tokenizer.to_str()).encode()
    except Exception as error:  # the converter's parsers raise many kinds
        raise TokenizerError(
            f"{directory}: transformers cannot convert it: {str(error)[:300]}",
            "Give a directory with tokenizer.json.",
        ) from error
