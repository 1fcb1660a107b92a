"""Where the cache is."""

from __future__ import annotations

import os
from pathlib import Path

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
    """The folder of the cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sftdata"
