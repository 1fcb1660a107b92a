"""The files of a tokenizer: found in a folder, the bundled content or on the Hub, and read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from sftdata.base.content import find_content
from sftdata.errors import TokenizerError
from sftdata.tokenizing.guarded_file import read_file
from sftdata.tokenizing.structure import MAX_BYTES

_JSON = "tokenizer.json"
_CONFIG_FILES = ("tokenizer_config.json", "special_tokens_map.json")
_ADDED = "added_tokens.json"
_MODEL_FILES = ("generation_config.json", "config.json")
_CHAT_TEMPLATES = ("chat_template.jinja", "chat_template.json")
_MORE_TEMPLATES = "additional_chat_templates"
_VOCABULARIES = ("vocab.json", "merges.txt", "vocab.txt")
_HUB_FILES = (
    _JSON, *_CONFIG_FILES, _ADDED, *_MODEL_FILES, *_CHAT_TEMPLATES, f"{_MORE_TEMPLATES}/*.jinja",
    *_VOCABULARIES, "*.model",
)  # fmt: skip
_DEFAULT = "default"


def find_directory(name: str) -> Path:
    """The folder with the tokenizer's files; downloads them from the Hub for a Hub name."""
    if Path(name).is_dir():
        return Path(name)
    if Path(name).is_file():
        return _folder_of(Path(name))
    bundled = find_content("pipelines", name)
    if bundled is not None:
        return bundled
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise TokenizerError(
            f"There is no tokenizer directory '{name}'.",
            "Give a directory that holds tokenizer.json, or a name on the Hugging Face Hub.",
            code="E601",
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(_HUB_FILES)))
    except Exception as error:  # the client raises a dozen kinds, also of its HTTP library
        raise TokenizerError(
            f"There is no directory '{name}', and the Hub does not give a tokenizer of that "
            f"name: {type(error).__name__}: {error}",
            "Give a directory that holds tokenizer.json, or check the name and the connection.",
            code="E601",
        ) from error


def _folder_of(file: Path) -> Path:
    """The folder of a tokenizer's file. Raises `TokenizerError` for any other file."""
    if not any(file.match(pattern) for pattern in _HUB_FILES):
        raise TokenizerError(
            f"'{file}' is no file of a tokenizer.",
            "Give the directory that holds tokenizer.json.",
            code="E601",
        )
    return file.parent


def read_tokenizer_json(directory: Path) -> bytes | None:
    """The bytes of `tokenizer.json`; None where there is none."""
    return read_file(directory, _JSON, MAX_BYTES)


def read_older_files(directory: Path) -> dict[str, bytes]:
    """The files that a `tokenizer.json` can be made of, by name."""
    names = [*_CONFIG_FILES, _ADDED, *_MODEL_FILES, *_VOCABULARIES]
    names += sorted(path.name for path in directory.glob("*.model"))
    read = {name: read_file(directory, name, MAX_BYTES) for name in names}
    return {name: data for name, data in read.items() if data is not None}


def read_config(directory: Path) -> dict[str, Any]:
    """The keys of the config files; `tokenizer_config.json` wins."""
    config: dict[str, Any] = {}
    for name in reversed(_CONFIG_FILES):
        config |= _read_object(directory, name)
    return config


def read_added_tokens(directory: Path) -> dict[str, Any]:
    """Token texts with their ids, from `added_tokens.json`; empty where there is none."""
    return _read_object(directory, _ADDED)


def read_end_ids(directory: Path) -> list[int]:
    """The ids that end generation, by `generation_config.json` and then by `config.json`."""
    ids: list[int] = []
    for name in _MODEL_FILES:
        value = _read_object(directory, name).get("eos_token_id")
        for number in value if isinstance(value, list) else [value]:
            if number is None or number in ids:
                continue
            if type(number) is not int:
                raise TokenizerError(
                    f"{directory / name}: eos_token_id must be a number or a list of numbers."
                )
            ids.append(number)
    return ids


def read_chat_templates(directory: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """The chat templates by name. Where there is only one, it is the "default".

    A file of its own comes before the config, as in transformers.
    """
    templates: dict[str, str] = {}
    listed = config.get("chat_template")
    if isinstance(listed, str):
        templates[_DEFAULT] = listed
    elif isinstance(listed, list):
        for entry in listed:
            if not isinstance(entry, dict) or not isinstance(entry.get("template"), str):
                raise TokenizerError(
                    f"{directory}: a chat template in the list of tokenizer_config.json has no "
                    "name or no text."
                )
            templates[str(entry.get("name"))] = entry["template"]
    elif listed is not None:
        raise TokenizerError(
            f"{directory}: chat_template in tokenizer_config.json must be text or a list of named "
            "templates."
        )
    text, record = (read_file(directory, name) for name in _CHAT_TEMPLATES)
    if text is not None:
        templates[_DEFAULT] = _decode(directory / _CHAT_TEMPLATES[0], text)
    elif record is not None:
        path = directory / _CHAT_TEMPLATES[1]
        value = parse_json(path, record).get("chat_template")
        if not isinstance(value, str):
            raise TokenizerError(f'{path}: {{"chat_template": "…"}} is expected.')
        templates[_DEFAULT] = value
    for path in sorted((directory / _MORE_TEMPLATES).glob("*.jinja")):
        content = read_file(directory, f"{_MORE_TEMPLATES}/{path.name}")
        templates[path.stem] = _decode(path, content or b"")
    return {_DEFAULT: next(iter(templates.values()))} if len(templates) == 1 else templates


def _read_object(directory: Path, name: str) -> dict[str, Any]:
    content = read_file(directory, name)
    return {} if content is None else parse_json(directory / name, content)


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{path}: not UTF-8: {error}") from error


def parse_json(path: Path, content: bytes) -> dict[str, Any]:
    """The JSON object in `content`; `path` is named in the error."""
    if content.startswith(b"version https://git-lfs"):
        raise TokenizerError(
            f"{path}: a Git LFS pointer, not the file itself.",
            "Fetch the file: git lfs pull",
            code="E601",
        )
    try:
        value = orjson.loads(content)
    except ValueError as error:
        raise TokenizerError(
            f"{path}: not valid JSON: {error}",
            "Copy the file again from where the tokenizer came from; it may be cut.",
        ) from error
    if not isinstance(value, dict):
        raise TokenizerError(
            f"{path}: a JSON object is expected.",
            "Copy the file again from where the tokenizer came from.",
        )
    return value
