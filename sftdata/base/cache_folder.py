"""Where the cache is."""

from __future__ import annotations

import os
from pathlib import Path

COPIES = "addresses"  # the subfolder with copies of fetched files


def cache_folder() -> Path:
    """The folder of the cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sftdata"
