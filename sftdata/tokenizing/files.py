"""The files of a tokenizer: found in a folder, the bundled content or on the Hub, and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from sftdata.base.content import find_content
from sftdata.errors import TokenizerError

_JSON = "tokenizer.json"
_CHAT_TEMPLATE = "chat_template.jinja"
_CONFIG_FILES = ("tokenizer_config.json", "special_tokens_map.json")
_HUB_FILES = (_JSON, _CHAT_TEMPLATE, "*.model", *_CONFIG_FILES)


def find_directory(name: str) -> Path:
    """The folder with the tokenizer's files; downloads them from the Hub for a Hub name."""
    if Path(name).is_dir():
        return Path(name)
    if Path(name).is_file():
        return Path(name).parent
    bundled = find_content("pipelines", name)
    if bundled is not None:
        return bundled
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise TokenizerError(
            f"There is no tokenizer directory '{name}'.",
            "Give a directory that holds tokenizer.json, or a name on the Hugging Face Hub.",
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(_HUB_FILES)))
    except Exception as error:  # the client raises a dozen kinds, also of its HTTP library
        raise TokenizerError(
            f"There is no directory '{name}', and the Hub does not give a tokenizer of that "
            f"name: {type(error).__name__}: {error}",
            "Give a directory that holds tokenizer.json, or check the name and the connection.",
        ) from error


def read_tokenizer_json(directory: Path) -> bytes:
    """The bytes of `tokenizer.json`, or of the one that a SentencePiece model converts to."""
    path = directory / _JSON
    return path.read_bytes() if path.is_file() else _convert_sentencepiece(directory)


def read_config(directory: Path) -> dict[str, Any]:
    """The keys of the config files; `tokenizer_config.json` wins."""
    config: dict[str, Any] = {}
    for name in reversed(_CONFIG_FILES):
        path = directory / name
        if path.is_file():
            config |= parse_json(path, path.read_bytes())
    return config


def read_chat_template(directory: Path, config: dict[str, Any]) -> str | None:
    """The chat template in its own file or else in the config; of several, the "default"."""
    path = directory / _CHAT_TEMPLATE
    if path.is_file():
        return path.read_text(encoding="utf-8")
    value = config.get("chat_template")
    if isinstance(value, list):
        value = next((t.get("template") for t in value if t.get("name") == "default"), None)
    return value if isinstance(value, str) else None


def parse_json(path: Path, content: bytes) -> dict[str, Any]:
    """The JSON object in `content`; `path` is named in the error."""
    try:
        value = orjson.loads(content)
    except ValueError as error:
        raise TokenizerError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise TokenizerError(f"{path}: a JSON object is expected.")
    return value


def _convert_sentencepiece(directory: Path) -> bytes:
    """The `tokenizer.json` that transformers makes of a SentencePiece model."""
    if not any(directory.glob("*.model")):
        raise TokenizerError(
            f"{directory} holds neither tokenizer.json nor a SentencePiece model.",
            "Give the directory of a tokenizer or of a model.",
        )
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise TokenizerError(
            f"{directory} holds only a SentencePiece model, which transformers must convert.",
            "Install it: pip install 'sftdata[train]'",
        ) from error
    try:
        fast = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        return str(fast.backend_tokenizer.to_str()).encode()
    except Exception as error:  # the converter's parsers raise many kinds
        raise TokenizerError(f"{directory}: transformers cannot convert it: {error}") from error
