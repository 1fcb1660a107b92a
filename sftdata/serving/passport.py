"""The passport: `sftdata.json` beside an adapter, the record of its training.

It holds digests of the dataset, the templates, the tokenizer and the base model, for `audit` to
check, and the templates, rules and stop ids that serving needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base import sealed_json
from sftdata.base.files import is_of_machine, read_regular
from sftdata.base.json_types import (
    COUNT,
    DIGEST,
    FILE_NAME,
    FLAG,
    OBJECT,
    PATH,
    TEXT,
    list_of,
    map_of,
    matching,
    object_of,
    or_null,
)  # fmt: skip
from sftdata.base.sealed_json import ChangedError
from sftdata.base.wording import reason_of
from sftdata.errors import SftdataError, VerificationError

FILE, VERSION = "sftdata.json", 1
_SHOWN_FAULTS = 5  # of a file that cannot be used
_DIGESTS = map_of(DIGEST, FILE_NAME)
_LABEL = matching(r"[\w-]+/[\w-]+@[\w.+-]+", "TASK/NAME@VERSION")
_check = object_of(
    {
        "version": COUNT,
        "data": object_of(
            {"build": TEXT, "task": TEXT, "draft": FLAG, "split": TEXT, "shards": list_of(DIGEST)}
        ),
        "templates": map_of(object_of({"sha256": TEXT, "source": TEXT}), _LABEL),
        "tokenizer": object_of({"name": TEXT, "sha256": TEXT}),
        "chat": or_null(OBJECT),
        "stop_ids": list_of(COUNT),
        "base_model": object_of({"name": TEXT, "files": _DIGESTS}, {"revision": or_null(TEXT)}),
        "weights": _DIGESTS,
    },
    {
        "files": map_of(DIGEST, PATH), "recipe": OBJECT, "outcome": OBJECT, "libraries": OBJECT,
        "conversations": map_of(OBJECT),
    },
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
        content = sealed_json.parse(read_regular(path))
        is_newer = isinstance(content.get("version"), int) and content["version"] > VERSION
        if not is_newer and (faults := list(_check("", content))):
            raise ValueError("; ".join(faults[:_SHOWN_FAULTS]))
    except FileNotFoundError as error:
        raise SftdataError(
            f"{directory}: there is no {FILE}, the record that sftdata train writes beside a "
            "finished adapter.",
            "Give the directory of an adapter, or finish its training.",
            code="E903",
        ) from error
    except ChangedError as error:
        raise VerificationError(
            f"{path}: {error}.", "Put back the file that the training wrote, or train again."
        ) from error
    except (OSError, ValueError) as error:
        if is_of_machine(error):
            raise
        raise SftdataError(
            f"{path}: the record of the training cannot be read: {reason_of(error)}", code="E903"
        ) from error
    if is_newer:
        raise SftdataError(
            f"{path}: written in version {content['version']} of the format; this sftdata reads "
            f"up to {VERSION}.",
            "Upgrade: pip install -U sftdata",
            code="E903",
        )
    return Passport(directory, content)
