"""Load a tokenizer: its unchanged `tokenizer.json`, and the special tokens of its config."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import tokenizers

from sftdata.base.cache import read_facts, write_facts
from sftdata.errors import TokenizerError
from sftdata.tokenizing.files import (
    find_directory,
    parse_json,
    read_chat_template,
    read_config,
    read_tokenizer_json,
)
from sftdata.tokenizing.plain_text import continuation_differs, vocab_ids
from sftdata.tokenizing.tokenizer import Tokenizer

# The fields of a `Tokenizer` that need the parsed tokenizer.json. They are cached between builds:
# parsing takes a tenth of a second. Raise the version when one of them changes its meaning.
_FACTS = {
    "sha256", "added_tokens", "eos_id", "bos_id", "pad_id", "vocab_size", "continuation_differs"
}  # fmt: skip
_FACTS_VERSION = 3


def load_tokenizer(name: str) -> Tokenizer:
    """The tokenizer in the directory `name`, of the bundled content, or of that name on the Hub.

    Raises `TokenizerError` when there is none, its files do not parse, or it has no EOS token.
    """
    directory = find_directory(name)
    content, config = read_tokenizer_json(directory), read_config(directory)
    key = hashlib.sha256(content + b"\0" + orjson.dumps([_FACTS_VERSION, config])).hexdigest()
    facts = read_facts("tokenizers", key)
    spec = None
    if facts.keys() != _FACTS:
        path = directory / "tokenizer.json"
        spec = parse_json(path, content)
        facts = _find_facts(path, spec, config)
        write_facts("tokenizers", key, facts)
    tokenizer = Tokenizer(
        name=name,
        content=content,
        chat_template=read_chat_template(directory, config),
        special_texts=_special_texts(config),
        **facts,
    )
    if spec is not None:
        vars(tokenizer)["spec"] = spec  # where `cached_property` looks first
    return tokenizer


def _find_facts(path: Path, spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The facts named by `_FACTS`. Raises `TokenizerError` if the tokenizer cannot be used."""
    if not isinstance(spec.get("model"), dict) or "vocab" not in spec["model"]:
        raise TokenizerError(
            f"{path}: not a tokenizer: it has no model with a vocabulary.",
            "Copy the file again from where the tokenizer came from.",
        )
    added = {token["content"]: token for token in spec.get("added_tokens") or ()}
    ids = {text: token["id"] for text, token in added.items()}
    vocab = vocab_ids(spec)
    bos, eos, pad = (_token_id(config, kind, ids, vocab) for kind in ("bos", "eos", "pad"))
    if eos is None:
        raise TokenizerError(
            f"{path.parent}: the tokenizer has no EOS token, so a model could not learn to stop.",
            'Add "eos_token" to tokenizer_config.json.',
        )
    canonical = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
    return {
        "sha256": hashlib.sha256(canonical).hexdigest(),
        "added_tokens": added,
        "eos_id": eos,
        "bos_id": bos if bos is not None and _adds_bos(spec, config, bos) else None,
        "pad_id": pad,
        "vocab_size": 1 + max((*ids.values(), *vocab.values())),
        "continuation_differs": continuation_differs(spec),
    }


def _special_texts(config: Mapping[str, Any]) -> dict[str, str]:
    """The text of each special token that the config names, by its key: bos_token, eos_token …"""
    texts = {
        name: value.get("content") if isinstance(value, dict) else value
        for name, value in config.items()
        if name.endswith("_token")
    }
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def _token_id(
    config: Mapping[str, Any], kind: str, ids: Mapping[str, int], vocab: Mapping[str, int]
) -> int | None:
    """The id of the token that the config names; None if it names none."""
    token = config.get(f"{kind}_token")
    content = token.get("content") if isinstance(token, dict) else token
    if content is None:
        return None
    found = ids.get(content, vocab.get(content))
    if found is None:
        raise TokenizerError(f"The tokenizer's {kind}_token '{content}' is not in its vocabulary.")
    return found


def _adds_bos(spec: Mapping[str, Any], config: Mapping[str, Any], bos_id: int) -> bool:
    """Whether the tokenizer itself starts a text with BOS: by its config, else by its behaviour."""
    if isinstance(config.get("add_bos_token"), bool):
        return bool(config["add_bos_token"])
    # Only the post-processor adds tokens around a text, so try it with a vocabulary of one word:
    # the whole one takes a tenth of a second to load.
    word = {"type": "WordLevel", "vocab": {"a": bos_id + 1}, "unk_token": "a"}
    small = {"model": word, "post_processor": spec.get("post_processor")}
    encoded = tokenizers.Tokenizer.from_str(orjson.dumps(small).decode()).encode("a")
    return encoded.ids[:1] == [bos_id]
