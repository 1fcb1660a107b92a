"""The passport: `sftdata.json` beside an adapter, the record of its training.

It holds digests of the dataset, the templates, the tokenizer and the base model, for `audit` to
check, and the templates, rules and stop ids that serving needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.errors import SftdataError

FILE, VERSION = "sftdata.json", 1
_REQUIRED = (
    "version", "data", "templates", "tokenizer", "chat", "stop_ids", "base_model", "weights",
)  # fmt: skip


@dataclass(frozen=True)
class Passport:
    """The content of `sftdata.json` in `directory`."""

    directory: Path
    content: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.content[key]

    @property
    def is_whole_model(self) -> bool:
        """Whether the folder is a model and no adapter: all weights were trained, or merged."""
        return "merged" in self.content or self.content.get("recipe", {}).get("method") == "full"


def read_passport(directory: Path) -> Passport:
    """The passport in `directory`. Raises `SftdataError` when it is missing or cannot be read."""
    path = directory / FILE
    try:
        content = json.loads(path.read_bytes())
        missing = [key for key in _REQUIRED if key not in content]
        if missing:
            raise ValueError(f"the key '{missing[0]}' is missing")
    except FileNotFoundError as error:
        raise SftdataError(
            f"{directory}: there is no {FILE}, the record that sftdata train writes beside a "
            "finished adapter.",
            "Give the directory of an adapter, or finish its training.",
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise SftdataError(f"{path}: the record of the training cannot be read: {error}") from error
    if content["version"] > VERSION:
        raise SftdataError(
            f"{path}: written in version {content['version']} of the format; this sftdata reads "
            f"up to {VERSION}.",
            "Upgrade: pip install -U sftdata",
        )
    return Passport(directory, content)
