"""The tokenizer's files beside trained weights, so that the folder serves alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sftdata.base.files import replacing, write_atomically
from sftdata_train.models.model_loading import find_model_folder

TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model")
_BESIDE = (
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt",
    "chat_template.jinja", "chat_template.json",
)  # fmt: skip


def has_tokenizer(directory: Path) -> bool:
    """Whether the folder holds a tokenizer's vocabulary."""
    return any(True for name in TOKENIZER_FILES for _ in directory.glob(name))


def save_tokenizer(out: Path, model: str, recorded: str, chat: Mapping[str, Any] | None) -> None:
    """Copy the tokenizer of the model, or else the dataset's, into `out`.

    `chat`: the passport's entry. Its template is the one that was trained on, which the tokenizer
    may have otherwise or not at all.
    """
    for name in (model, recorded):
        folder = find_model_folder(name)
        if folder is not None and has_tokenizer(folder):
            for pattern in (*TOKENIZER_FILES, *_BESIDE):
                for path in folder.glob(pattern):
                    with path.open("rb") as read, replacing(out / path.name) as written:
                        shutil.copyfileobj(read, written)
            break
    if chat is not None:
        write_atomically(out / "chat_template.jinja", str(chat["template"]).encode())
