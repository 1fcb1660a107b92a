"""Where the cache is."""

from __future__ import annotations

import os
from pathlib import Path

# Subfolders: copies of fetched files, copies of datasets in object stores, what was built for these.
COPIES, DATASETS, BUILDS = "addresses", "datasets", "builds"


def cache_folder() -> Path:
    """The folder of the cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sftdata"
