"""Checkpoints: sealed with the digest of every file, so that no resume uses a damaged one."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.files import sha256_of, sync, write_atomically
from sftdata.base.sealed_json import FILES, parse, seal, to_json
from sftdata.base.wording import count
from sftdata.errors import SftdataError

CHECKPOINTS, SEAL = "checkpoints", "sealed.json"
_STATE = "trainer_state.json"  # transformers'
_NAME = "checkpoint-"


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a run goes on, and the checkpoints after that point, which are not used."""

    checkpoint: Path | None  # None: from the beginning
    unused: dict[Path, str]  # with the reason


def digest_settings(settings: Mapping[str, Any]) -> str:
    """The digest of the settings that all checkpoints of a run have in common."""
    return hashlib.sha256(to_json(settings)).hexdigest()


def seal_checkpoint(folder: Path, settings: str) -> None:
    """Bring all files of a checkpoint to disk, and then the file with their digests.

    `settings`: their digest, so that no other run resumes from the checkpoint.
    """
    files = _list_files(folder)
    for name in files:
        sync(folder / name)
    content = {
        "step": read_step(folder),
        "settings": settings,
        FILES: {name: sha256_of(folder / name) for name in files},
    }
    write_atomically(folder / SEAL, to_json(seal(content)))
    sync(folder.parent)


def choose_checkpoint(out: Path, settings: str) -> Resume:
    """The newest intact checkpoint of the run in `out`.

    All steps repeat exactly, so an older checkpoint costs time and changes no weight. Raises
    `SftdataError` when there are sealed checkpoints and all of them are damaged: this needs a look.
    """
    unused: dict[Path, str] = {}
    for folder in sorted((out / CHECKPOINTS).glob(f"{_NAME}*"), key=read_step, reverse=True):
        fault = find_fault(folder, settings) or _find_fault_of_best(folder, settings)
        if fault is None:
            return Resume(folder, unused)
        unused[folder] = fault
    damaged = [f"{folder.name}: {fault}" for folder, fault in unused.items() if is_sealed(folder)]
    if damaged:
        raise SftdataError(
            f"{out / CHECKPOINTS} holds {count(len(unused), 'checkpoint')} and none is intact:\n"
            + "\n".join(damaged),
            "Put them back from a copy. To train from the beginning, remove that folder.",
            code="E904",
        )
    return Resume(None, unused)


def require_intact(folder: Path, settings: str) -> None:
    """Raises `SftdataError` when a checkpoint is damaged or incomplete."""
    fault = find_fault(folder, settings)
    if fault is not None:
        raise SftdataError(
            f"{folder} holds the best weights and is damaged: {fault}",
            "Put it back from a copy, or remove the checkpoints to train from the beginning.",
            code="E904",
        )


def find_fault(folder: Path, settings: str) -> str | None:
    """The damage of a checkpoint; None when all is as it was sealed."""
    if not is_sealed(folder):
        return "it was never finished"
    try:
        content = parse((folder / SEAL).read_bytes())
        recorded: dict[str, str] = dict(content[FILES])
        step, of_settings = content["step"], content["settings"]
    except (KeyError, TypeError, ValueError):
        return f"{SEAL} is damaged"
    if of_settings != settings:
        return "it belongs to a run with other settings"
    if step != read_step(folder):
        return f"it is the checkpoint of step {step}"
    found = _list_files(folder)
    for name, digest in recorded.items():
        if name not in found:
            return f"{name} is missing"
        if sha256_of(folder / name) != digest:
            return f"{name} is damaged (its digest differs)"
    others = [name for name in found if name not in recorded]
    return f"{others[0]} does not belong to it" if others else None


def is_sealed(folder: Path) -> bool:
    """Whether a checkpoint was finished."""
    return (folder / SEAL).is_file()


def remove_checkpoints(folders: list[Path]) -> None:
    """Remove checkpoints, the seal first: a part of one is never taken for a whole one."""
    for folder in folders:
        (folder / SEAL).unlink(missing_ok=True)
        shutil.rmtree(folder)


def read_step(folder: Path) -> int:
    """The step in the name of a checkpoint; -1 for another name."""
    number = folder.name.removeprefix(_NAME)
    return int(number) if number.isdecimal() else -1


def _find_fault_of_best(folder: Path, settings: str) -> str | None:
    """The damage of the checkpoint with the best weights so far, which early stopping loads."""
    best = json.loads((folder / _STATE).read_bytes()).get("best_model_checkpoint")
    if not best or Path(best).name == folder.name:
        return None
    fault = find_fault(folder.with_name(Path(best).name), settings)
    return None if fault is None else f"it needs {Path(best).name}: {fault}"


def _list_files(folder: Path) -> list[str]:
    """The files below a checkpoint but its seal; those with a dot are of the file system."""
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [name.as_posix() for name in names if name.name != SEAL and name.name[0] != "."]
