"""Tokenizer folders of a stranger who wants to crash, fill, hang or read the machine."""

# ruff: noqa: E501 - a payload reads best on one line

from __future__ import annotations

import json
import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
WORDS = {"a": 0, "b": 1, "ab": 2, "</s>": 3}
BPE: dict[str, Any] = {"type": "BPE", "vocab": WORDS, "merges": [["a", "b"]]}
UNIGRAM: dict[str, Any] = {
    "type": "Unigram",
    "unk_id": 0,
    "vocab": [["<unk>", 0.0], ["a", -1.0], ["</s>", -2.0]],
}
EOS = {
    "id": 3,
    "content": "</s>",
    "single_word": False,
    "lstrip": False,
    "rstrip": False,
    "normalized": False,
    "special": True,
}
CONFIG = json.dumps({"eos_token": "</s>"})

Write = Callable[[Path], None]


def whole(**changes: Any) -> str:
    spec = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [EOS],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": None,
        "model": BPE,
    }
    return json.dumps({**spec, **changes})


def model(**changes: Any) -> str:
    return whole(model={**BPE, **changes})


def nested(
    depth: int, kind: str = "Sequence", key: str = "pretokenizers", inner: Any = BYTES
) -> Any:
    for _ in range(depth):
        inner = {"type": kind, key: [inner]}
    return inner


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def replace(pattern: dict[str, str], content: str, times: int) -> dict[str, Any]:
    return {
        "type": "Sequence",
        "normalizers": [{"type": "Replace", "pattern": pattern, "content": content}] * times,
    }


def token(number: Any, content: Any = "<x>", **other: Any) -> dict[str, Any]:
    return {**EOS, "id": number, "content": content, **other}


def deep(opening: str, closing: str, depth: int) -> str:
    return opening * depth + "1" + closing * depth


# Each is the text of tokenizer.json.
FILES: dict[str, str] = {
    # JSON.
    "empty": "",
    "cut": whole()[:200],
    "no JSON": "<html>not found</html>",
    "a pickle": pickle.dumps({"a": 1}).decode("latin-1"),
    "a list": "[]",
    "null": "null",
    "deep lists": deep("[", "]", 100_000),
    "deep objects": deep('{"a":', "}", 100_000),
    "deep in the model": '{"model":' + deep('{"vocab":', "}", 900) + "}",
    "deep in the vocabulary": whole()[:-1] + ',"x":' + deep("[", "]", 900) + "}",
    "a lone surrogate": whole().replace('"ab"', '"\\ud800"'),
    "NaN": whole(model={**UNIGRAM, "vocab": [["<unk>", float("nan")], ["</s>", 0.0]]}),
    "a number of 100,000 digits": whole(added_tokens=[]).replace('"a": 0', '"a": ' + "9" * 100_000),
    # Parts that are something else.
    "no model": whole(model=None),
    "a model that is text": whole(model="BPE"),
    "an unknown model": model(type="Evil"),
    "no vocabulary": whole(model={"type": "BPE", "merges": []}),
    "an empty vocabulary": model(vocab={}),
    "a vocabulary that is a number": model(vocab=7),
    "a list for a vocabulary": model(vocab=[1, 2, 3]),
    "merges that are text": model(merges="ab"),
    "merges outside the vocabulary": model(merges=[["x", "y"]]),
    "a merge of three": model(merges=[["a", "b", "c"]]),
    "added tokens that are text": whole(added_tokens="</s>"),
    "an added token without a text": whole(added_tokens=[{"id": 3}]),
    "an unknown normalizer": whole(normalizer={"type": "os.system"}),
    "a normalizer that is a list": whole(normalizer=[1]),
    "a normalizer without a type": whole(normalizer={"prepend": "x"}),
    "an unknown pre-tokenizer": whole(pre_tokenizer={"type": "__import__"}),
    "a negative chunk": whole(pre_tokenizer={"type": "FixedLength", "length": -1}),
    "a decoder that is text": whole(decoder="ByteLevel"),
    # Ids and sizes.
    "the largest id": model(vocab={**WORDS, "x": 2**32 - 1}),
    "a negative id": model(vocab={**WORDS, "x": -1}),
    "an id past 64 bits": model(vocab={**WORDS, "x": 2**70}),
    "an id of 5 GB": model(vocab={**WORDS, "x": 5 * 10**9}),
    "an added id of 5 GB": whole(added_tokens=[EOS, token(5 * 10**9)]),
    "an added id that is text": whole(added_tokens=[EOS, token("3")]),
    "an added id that differs": whole(added_tokens=[token(7, "</s>"), token(9)]),
    "two entries of one id": model(vocab={**WORDS, "x": 3}),
    "an unknown id past the vocabulary": whole(model={**UNIGRAM, "unk_id": 10**9}),
    "a padding of 5 GB": whole(padding={"strategy": {"Fixed": 5 * 10**9}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "a"}),
    "a truncation to nothing": whole(truncation={"direction": "Right", "max_length": 0, "strategy": "LongestFirst", "stride": 5}),
    # Recursion.
    "pre-tokenizers in each other": whole(pre_tokenizer=nested(300)),
    "pre-tokenizers 40 deep": whole(pre_tokenizer=nested(40)),
    "normalizers in each other": whole(normalizer=nested(300, key="normalizers", inner={"type": "NFC"})),
    "post-processors in each other": whole(post_processor=nested(300, key="processors", inner=BYTES)),
    "decoders in each other": whole(decoder=nested(300, key="decoders", inner=BYTES)),
    # Text that multiplies.
    "replacements that multiply": whole(normalizer=replace({"String": "a"}, "aaaaaaaa", 20)),
    "replacements of nothing": whole(normalizer=replace({"String": ""}, "ab", 30)),
    "a pattern that matches nothing": whole(normalizer=replace({"Regex": "(?:)"}, "aaaa", 20)),
    "a long text first": whole(normalizer={"type": "Prepend", "prepend": "a" * 10**6}),
    "a long replacement": whole(normalizer=replace({"Regex": "."}, "a" * 10**6, 1)),
    "a decoder that multiplies": whole(decoder={"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 50}] * 9}),
    # Patterns.
    "a pattern that backtracks": whole(pre_tokenizer=split("(a+)+$|(a|a)*b")),
    "a pattern that backtracks on blanks": whole(pre_tokenizer=split(r"(\s*)*\S\S\S\S\S")),
    "a pattern that backtracks on words": whole(pre_tokenizer=split(r"(\w+\w*)+_$")),
    "a pattern of alternatives": whole(normalizer=replace({"Regex": "(?:a|aa|aaa)*$x"}, "", 1)),
    "a reference back": whole(pre_tokenizer=split(r"(a*)*\1\1\1b")),
    "nested repeats": whole(pre_tokenizer=split("((((a{1,100}){1,100}){1,100}){1,100}){1,100}")),
    "a repeat of 100,000": whole(pre_tokenizer=split("(?:a{1000}){100000}")),
    "a pattern that calls itself": whole(pre_tokenizer=split(r"(?<x>a\g<x>?\g<x>?)b")),
    "a pattern that looks behind": whole(pre_tokenizer=split("(?<=a*)b")),
    "an unclosed pattern": whole(pre_tokenizer=split("((((")),
    "deep brackets": whole(pre_tokenizer=split("(" * 50_000 + "a" + ")" * 50_000)),
    "a wide class": whole(pre_tokenizer=split("[" + "".join(map(chr, range(0x4E00, 0x9000))) + "]" * 3)),
    # Models.
    "every character unknown": whole(model={"type": "WordLevel", "vocab": {"</s>": 3}, "unk_token": "<none>"}),
    "a word without an end": whole(model={"type": "WordPiece", "vocab": WORDS, "unk_token": "a", "continuing_subword_prefix": "", "max_input_chars_per_word": 2**62}),
    "scores that are infinite": whole(model=UNIGRAM).replace("-1.0", "-1e308"),
    "dropout of 2": model(dropout=2),
    "dropout that is text": model(dropout="0.5"),
    "a prefix that is an object": model(continuing_subword_prefix={"a": 1}),
    "bytes that are missing": whole(model={**BPE, "byte_fallback": True}, pre_tokenizer=BYTES),
}  # fmt: skip


def config(**values: Any) -> Write:
    return text("tokenizer_config.json", json.dumps({"eos_token": "</s>", **values}))


def text(name: str, content: str) -> Write:
    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8", errors="surrogatepass")

    return write


def link(name: str, target: str) -> Write:
    return lambda folder: relink(folder / name, target)


def relink(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def pipe(name: str) -> Write:
    def write(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return write


def folder_for(name: str) -> Write:
    def write(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return write


def listening_socket(name: str) -> Write:
    def write(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(os.path.relpath(folder / name))

    return write


def sparse(name: str, size: int) -> Write:
    def write(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            file.truncate(size)

    return write


def older(**files: str | bytes) -> Write:
    """A folder without tokenizer.json."""

    def write(folder: Path) -> None:
        (folder / "tokenizer.json").unlink()
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (folder / name.replace("__", ".")).write_bytes(data)

    return write


# Each changes a good folder.
FOLDERS: dict[str, Write] = {
    "a config that is a list": text("tokenizer_config.json", "[]"),
    "a deep config": text("tokenizer_config.json", '{"a":' + deep("[", "]", 900) + "}"),
    "a deeper config": text("tokenizer_config.json", '{"a":' + deep("[", "]", 100_000) + "}"),
    "a config of 5 GB": sparse("tokenizer_config.json", 5 * 10**9),
    "a tokenizer of 5 GB": sparse("tokenizer.json", 5 * 10**9),
    "added tokens of 5 GB": sparse("added_tokens.json", 5 * 10**9),
    "a chat template of 5 GB": sparse("chat_template.jinja", 5 * 10**9),
    "a config of the model of 5 GB": sparse("config.json", 5 * 10**9),
    "an EOS that is a number": config(eos_token=7),
    "an EOS that is a list": config(eos_token=["</s>"]),
    "an EOS that is nowhere": config(eos_token="<gone>"),
    "special tokens that are a number": config(additional_special_tokens=7),
    "declared ids of 5 GB": config(added_tokens_decoder={"5000000000": {"content": "<x>"}}),
    "a declared id that is text": config(added_tokens_decoder={"x": {"content": "<x>"}}),
    "a declared token that is null": config(added_tokens_decoder={"4": None}),
    "100,000 declared tokens": config(added_tokens_decoder={str(i): {"content": f"<{i}>"} for i in range(9, 100_000)}),
    "a chat template that is a number": config(chat_template=7),
    "end ids that are text": text("generation_config.json", '{"eos_token_id": "a"}'),
    "end ids that are objects": text("config.json", '{"eos_token_id": [{}]}'),
    "a template that is no UTF-8": text("chat_template.jinja", "\ud800"),
    "a link to a secret": link("chat_template.jinja", "/etc/passwd"),
    "a link to a secret beside": link("tokenizer_config.json", "../secret.json"),
    "a vocabulary of secrets": link("tokenizer.json", "/etc/hostname"),
    "a link to itself": link("tokenizer.json", "tokenizer.json"),
    "a link to a device": link("tokenizer.json", "/dev/zero"),
    "a link to a device of its name": link("config.json", "/dev/random"),
    "a pipe for a tokenizer": pipe("tokenizer.json"),
    "a pipe for a config": pipe("tokenizer_config.json"),
    "a pipe for a chat template": pipe("chat_template.jinja"),
    "a pipe for the end ids": pipe("generation_config.json"),
    "a socket for a tokenizer": listening_socket("tokenizer.json"),
    "a folder for a tokenizer": folder_for("tokenizer.json"),
    "merges without an end": older(vocab__json="{}", merges__txt="a b c d\n"),
    "a vocabulary that is deep": older(vocab__json=deep("[", "]", 5000), merges__txt="a b\n"),
    "an older id of 5 GB": older(vocab__json='{"a": 5000000000, "<|endoftext|>": 1}', merges__txt=""),
    "merges that are bytes": older(vocab__json='{"a": 0}', merges__txt=b"\xff\xfe"),
    "a vocabulary of bytes": older(vocab__txt=b"\xff\xfe\x00"),
}  # fmt: skip
# transformers converts these, whose import takes seconds.
CONVERTED: dict[str, Write] = {
    "code of its own": older(**{"vocab__json": '{"a": 0}', "merges__txt": "", "tokenizer_config__json": json.dumps({"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["evil.Evil", None]}}), "evil__py": "open('../touched', 'w')"}),
    "a model that is a pickle": older(spiece__model=pickle.dumps({"a": 1}), tokenizer_config__json='{"tokenizer_class": "T5Tokenizer"}'),
    "a model that is noise": older(tokenizer__model=bytes(range(256)) * 99, tokenizer_config__json='{"tokenizer_class": "LlamaTokenizer"}'),
}  # fmt: skip


def write_good(folder: Path) -> None:
    """A folder in which nothing is wrong."""
    folder.mkdir()
    (folder / "tokenizer.json").write_text(whole())
    (folder / "tokenizer_config.json").write_text(CONFIG)
