"""Where the cache is."""

from __future__ import annotations

import os
from pathlib import Path

# Subfolders: copies of fetched files and of stored datasets; datasets built for object stores.
COPIES, DATASETS, BUILDS = "addresses", "datasets", "builds"

PART = ".part"  # ends the name of a file that is copied piece by piece


def cache_folder() -> Path:
    """The folder of the cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sftdata"
