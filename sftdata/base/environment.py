"""Facts for a bug report: versions, the machine, and where the cache is."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sftdata.base.cache_folder import cache_folder
from sftdata.base.version import __version__

# Packages whose version can change what a build or a training run gives.
_PACKAGES = (
    "pyarrow", "tokenizers", "gigatoken", "datasets", "jinja2", "pydantic", "numpy", "click",
    "rich", "transformers", "torch", "peft", "accelerate", "textual",
)  # fmt: skip


def describe_environment() -> dict[str, Any]:
    """Versions (None: not installed), system, cores, memory in bytes, and the cache folder."""
    return {
        "sftdata": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: _version(name) for name in _PACKAGES},
        "system": platform.platform(),
        "machine": platform.machine(),
        "cores": _cores(),
        "memory": _memory(),
        "cache": str(cache_folder()),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int | None:
    """Bytes of memory of the machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
