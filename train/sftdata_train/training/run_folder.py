"""The folder of a training run: what may lie in it, and one process at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sftdata.base.files import is_temporary, sync, write_atomically
from sftdata.base.new_folder import lock_folder
from sftdata.base.sealed_json import parse, seal, to_json
from sftdata.base.wording import list_names
from sftdata.errors import SftdataError
from sftdata.serving.passport import FILE
from sftdata_train.training.checkpoints import CHECKPOINTS

RUN = "run.json"
_SHOWN = 3  # files of a folder that is not ours


def select_settings(description: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that must be the same for a run to resume.

    The number of rows in a step must be the same, but not how ranks and micro-batches share them:
    that changes only the rounding. It must be the same, too, where a rank draws at random or a loss
    is computed over a micro-batch.
    """
    kept = {key: description[key] for key in ("data", "templates", "base_model", "recipe")}
    recipe, ranks = dict(kept["recipe"]), int(os.environ.get("WORLD_SIZE", "1"))
    if any(recipe[key] for key in ("dropout", "model_dropout", "router_loss")):
        return {**kept, "ranks": ranks}
    rows = recipe.pop("micro_batch") * recipe.pop("accumulate") * ranks
    return {**kept, "recipe": recipe, "rows of a step": rows}


def check_run_folder(out: Path, settings: Mapping[str, Any]) -> None:
    """Raises `SftdataError` unless `out` is new, empty, or holds a run with these settings.

    Writes nothing.
    """
    if out.exists() and not out.is_dir():
        raise SftdataError(
            f"{out} is a file.", "Choose a new or empty folder with --out.", code="E105"
        )
    is_run = (out / RUN).is_file()
    old = _read_settings(out / RUN) if is_run else None
    changed = [key for key, value in settings.items() if old and old.get(key) != value]
    if (out / FILE).exists() and (not is_run or changed):
        raise SftdataError(
            f"{out} holds a finished adapter.", "Choose another --out, or delete it.", code="E105"
        )
    if changed:
        raise SftdataError(
            f"{out} holds an unfinished run with other settings ({', '.join(changed)}).",
            "Resume it with its own settings, choose another --out, or delete it.",
            code="E904",
        )
    held = [] if is_run or not out.is_dir() else list(out.iterdir())
    if names := sorted(path.name for path in held if not is_temporary(path)):
        shown = list_names(names, _SHOWN, quote="'")
        raise SftdataError(
            f"{out} is neither empty nor a training run: it holds {shown}.",
            "Choose a new or empty folder with --out.",
            code="E105",
        )


@contextmanager
def open_run_folder(
    out: Path, settings: Mapping[str, Any], *, is_first_rank: bool
) -> Iterator[None]:
    """Make the folder of a run, with its settings, and keep other runs out of it."""
    if is_first_rank:
        out.mkdir(parents=True, exist_ok=True)
    with lock_folder(out.resolve(), out) if is_first_rank else nullcontext():
        if is_first_rank:
            write_atomically(out / RUN, to_json(seal(settings)))
        yield


def is_finished(out: Path) -> bool:
    """Whether the run has written its passport, which it does last."""
    return (out / FILE).is_file()


def remove_run_files(out: Path) -> None:
    """Remove the checkpoints and, after them, the settings of a finished run."""
    if (out / CHECKPOINTS).is_dir():
        shutil.rmtree(out / CHECKPOINTS)
    (out / RUN).unlink(missing_ok=True)
    sync(out)


def _read_settings(path: Path) -> dict[str, Any] | None:
    """None for a damaged file: the checkpoints know whose they are."""
    try:
        return parse(path.read_bytes())
    except ValueError:
        return None
