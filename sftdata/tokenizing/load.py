"""Load a tokenizer: its unchanged `tokenizer.json`, and the special tokens of its config."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import orjson

from sftdata.base.cache import read_content, read_facts, write_content, write_facts
from sftdata.errors import TokenizerError
from sftdata.tokenizing.convert import class_defaults
from sftdata.tokenizing.facts import FACTS
from sftdata.tokenizing.files import (
    find_directory,
    parse_json,
    read_added_tokens,
    read_chat_templates,
    read_config,
    read_end_ids,
    read_older_files,
    read_tokenizer_json,
)
from sftdata.tokenizing.tokenizer import Tokenizer

# The facts are cached between builds: finding them takes a process of its own and seconds for a
# large vocabulary. Raise the version when one of them, or the probes, change.
_FACTS_VERSION = 6
_CONVERTED_VERSION = 1


def load_tokenizer(name: str) -> Tokenizer:
    """The tokenizer in the directory `name`, of the bundled content, or of that name on the Hub.

    Raises `TokenizerError` when there is none, its files do not parse, or it has no EOS token.
    """
    directory = find_directory(name)
    config = read_config(directory)
    content = read_tokenizer_json(directory) or _convert(directory)
    config = class_defaults(directory, config) | config
    added, ends = read_added_tokens(directory), read_end_ids(directory)
    key = _key(directory, [_FACTS_VERSION, config, added, ends], content)
    facts = read_facts("tokenizers", key)
    path = directory / "tokenizer.json"
    if facts.keys() != FACTS:
        from sftdata.tokenizing.examine import examine_tokenizer  # NumPy and Arrow load slowly

        facts = examine_tokenizer(path, content, config, added, ends)
        write_facts("tokenizers", key, facts)
    spec = None
    if facts["completed"] is not None:
        spec = {**parse_json(path, content), "added_tokens": facts["completed"]}
        content = orjson.dumps(spec)
    templates = read_chat_templates(directory, config)
    tokenizer = Tokenizer(
        name=name,
        content=content,
        chat_template=templates.get("default"),
        special_texts=_special_texts(config),
        chat_notes=_describe_choice(name, templates),
        **{k: v for k, v in facts.items() if k not in ("completed", "notes", "stop_ids")},
        stop_ids=tuple(facts["stop_ids"]),
        notes=tuple(f"{name}: {note}" for note in facts["notes"]),
    )
    if spec is not None:
        vars(tokenizer)["spec"] = spec  # where `cached_property` looks first
    return tokenizer


def _convert(directory: Path) -> bytes:
    """The `tokenizer.json` that older files convert to, cached between builds."""
    files = read_older_files(directory)
    digests = [[name, hashlib.sha256(data).hexdigest()] for name, data in files.items()]
    key = _key(directory, [_CONVERTED_VERSION, *digests, _find_version("transformers")], b"")
    content = read_content("converted", key)
    if content is None:
        from sftdata.tokenizing.examine import convert_under_limits

        content = convert_under_limits(directory)
        write_content("converted", key, content)
    return content


def _key(directory: Path, inputs: list[Any], content: bytes) -> str:
    """The digest of everything that a cached entry depends on, the libraries included."""
    libraries = [_find_version("tokenizers"), _find_version("gigatoken")]
    try:
        known = orjson.dumps([*inputs, *libraries])
    except TypeError as error:  # deeper than orjson writes
        raise TokenizerError(f"{directory}: a file of the tokenizer nests too deep.") from error
    return hashlib.sha256(content + b"\0" + known).hexdigest()


def _find_version(package: str) -> str:
    """The version of an installed package; "" if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _describe_choice(name: str, templates: Mapping[str, str]) -> tuple[str, ...]:
    if len(templates) < 2:
        return ()
    names = ", ".join(templates)
    if "default" in templates:
        return (f"{name}: has the chat templates {names}; 'default' is used.",)
    return (f"{name}: has the chat templates {names}, but no 'default': none of them is used.",)


def _special_texts(config: Mapping[str, Any]) -> dict[str, str]:
    """The text of each special token that the config names, by its key: bos_token, eos_token …"""
    texts = {
        name: value.get("content") if isinstance(value, dict) else value
        for name, value in config.items()
        if name.endswith("_token")
    }
    return {name: text for name, text in texts.items() if isinstance(text, str)}
