"""The folder of the cache, and the names of its subfolders."""

from __future__ import annotations

import os
from pathlib import Path

from sftdata.errors import SftdataError

# Subfolders: copies of fetched files and of stored datasets; datasets built for object stores;
# answers of unfinished evaluations.
COPIES, DATASETS, BUILDS, ANSWERS = "addresses", "datasets", "builds", "answers"
# All subfolders. Nothing else is counted or removed: with XDG_CACHE_HOME=~/src, the folder of the
# cache may be a checkout of sftdata.
KINDS = frozenset({
    COPIES, DATASETS, BUILDS, ANSWERS, "control", "converted", "exact", "example", "plain", "sets",
    "sources", "tokenizers",
})  # fmt: skip

PART = ".part"  # ends the name of a file that is copied piece by piece


def cache_folder() -> Path:
    """The folder of the cache. Raises `SftdataError` where the user has no home folder."""
    base = os.environ.get("XDG_CACHE_HOME") or _home() / ".cache"
    return Path(base) / "sftdata"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise SftdataError(
            "This user has no home folder, so the cache has no place.",
            "Set XDG_CACHE_HOME to a folder of your own.",
            code="E801",
        ) from error
