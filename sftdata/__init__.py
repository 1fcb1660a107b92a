"""sftdata: golden sets in, exact tokenized Arrow shards for supervised fine-tuning out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sftdata.base.version import __version__

__all__ = ["Outcome", "SftdataError", "__version__", "build", "load", "render_prompt"]

if TYPE_CHECKING:
    from sftdata.building.build import Outcome, build
    from sftdata.errors import SftdataError
    from sftdata.loading.dataset import load
    from sftdata.serving.prompt import render_prompt

_HOMES = {
    "Outcome": "sftdata.building.build",
    "SftdataError": "sftdata.errors",
    "build": "sftdata.building.build",
    "load": "sftdata.loading.dataset",
    "render_prompt": "sftdata.serving.prompt",
}


def __getattr__(name: str) -> Any:
    # Imported at first use, so that `sftdata --help` doesn't wait for Arrow.
    if name not in _HOMES:
        raise AttributeError(f"module 'sftdata' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
