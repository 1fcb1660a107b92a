"""Saved evaluations: all rows with losses and answers, and everything that made the model.

Two of them are compared without a model, a dataset or a GPU.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sftdata.base.escaping import escape
from sftdata.base.files import is_of_machine, sha256_of, write_output
from sftdata.base.json_types import (
    COUNT,
    NUMBER,
    OBJECT,
    TEXT,
    list_of,
    map_of,
    object_of,
    or_null,
)
from sftdata.base.nesting import check_depth
from sftdata.errors import SftdataError
from sftdata.loading.stored import address_of
from sftdata.serving.passport import Passport
from sftdata.writing.manifest import MANIFEST, Manifest
from sftdata_train.evaluating.rows import BASE, TUNED, EvaluatedRow

_KIND, _VERSION = "sftdata_evaluation", 1
_check = object_of(
    {
        "settings": OBJECT,
        "rows": list_of(
            object_of(
                {
                    "row_id": TEXT, "task": TEXT, "shots": COUNT, "prompt": TEXT,
                    "source": or_null(TEXT), "references": list_of(TEXT), "targets": COUNT,
                    "losses": map_of(NUMBER), "answers": map_of(TEXT),
                }
            )
        ),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A saved evaluation."""

    path: Path
    settings: Mapping[str, Any]
    rows: Sequence[EvaluatedRow]


def describe_settings(
    manifest: Manifest,
    passport: Passport | None,
    identities: Mapping[str, Mapping[str, Any]],
    evaluated: Mapping[str, Any],
) -> dict[str, Any]:
    """What the numbers depend on: the dataset, the training, the models, how it was evaluated."""
    settings = {
        "dataset": {
            "folder": address_of(manifest.directory) or str(manifest.directory),
            "build": manifest["build"],
            "manifest_sha256": sha256_of(manifest.directory / MANIFEST),
        },
        "templates": dict(manifest["template"]),
        "tokenizer": manifest["tokenizer"]["sha256"],
        "spec": manifest["spec"],
        "evaluated": dict(evaluated),
        "models": dict(identities),
    }
    if passport is not None:
        trained = {k: v for k, v in passport["data"].items() if k not in ("shards", "draft")}
        settings["training"] = trained | {"recipe": passport.content.get("recipe", {})}
        settings["libraries"] = passport.content.get("libraries", {})
    return settings


def check_run_path(path: Path) -> None:
    """Raises `SftdataError` for another file than a saved evaluation, or a missing folder."""
    if not path.parent.is_dir():
        raise SftdataError(
            f"There is no folder '{escape(str(path.parent))}' for the saved evaluation.",
            "Make it first.",
            code="E105",
        )
    if not path.is_file():
        return
    with path.open("rb") as file:
        head = file.read(len(_KIND) + 2)
    if head and head != f'{{"{_KIND}'.encode():
        raise SftdataError(
            f"{escape(str(path))} is no saved evaluation, so it stays as it is.",
            "Choose another file with --save.",
            code="E105",
        )


def save_evaluation(path: Path, settings: Mapping[str, Any], rows: Sequence[EvaluatedRow]) -> None:
    """Write a saved evaluation."""
    content = {_KIND: _VERSION, "settings": settings, "rows": [asdict(row) for row in rows]}
    write_output(path, (json.dumps(content) + "\n").encode())


def read_run(path: Path) -> Run:
    """A saved evaluation. Raises `SftdataError` for any other file."""
    try:
        content = json.loads(path.read_bytes())
        if content[_KIND] > _VERSION:
            raise SftdataError(
                f"{escape(str(path))} was saved by a newer version of sftdata.",
                "Upgrade: pip install --upgrade sftdata",
                code="E703",
            )
        check_depth(content)
        if faults := list(_check("", content)):
            raise ValueError(faults[0])
        rows = [EvaluatedRow(**row) for row in content["rows"]]
        if not all(map(_is_whole, rows)):
            raise ValueError("a row has no target, or lacks a loss or an answer")
        return Run(path, dict(content["settings"]), rows)
    except OSError as error:
        if is_of_machine(error):
            raise
        raise SftdataError(
            f"{escape(str(path))} cannot be read: {error.strerror}.",
            "Save an evaluation: sftdata eval DATASET --model MODEL --adapter ADAPTER --save FILE",
            code="E102",
        ) from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SftdataError(
            f"{escape(str(path))} is no saved evaluation.",
            "Save one: sftdata eval DATASET --model MODEL --adapter ADAPTER --save FILE",
            code="E102",
        ) from error


def _is_whole(row: EvaluatedRow) -> bool:
    """Whether the row has a target, and of each system a loss and an answer."""
    has_systems = row.losses.keys() == row.answers.keys() and {BASE, TUNED} & row.answers.keys()
    return bool(row.references and row.targets and has_systems)
