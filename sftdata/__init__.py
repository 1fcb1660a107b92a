"""sftdata: golden sets in, exact tokenized Arrow shards for supervised fine-tuning out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Outcome", "SftdataError", "build", "load", "render_prompt"]

if TYPE_CHECKING:
    from sftdata.builder import Outcome, build
    from sftdata.errors import SftdataError
    from sftdata.inference import render_prompt
    from sftdata.loader import load

_HOMES = {
    "Outcome": "sftdata.builder",
    "SftdataError": "sftdata.errors",
    "build": "sftdata.builder",
    "load": "sftdata.loader",
    "render_prompt": "sftdata.inference",
}


def __getattr__(name: str) -> Any:
    # Loaded at first use, so that `sftdata --help` need not wait for Arrow.
    if name not in _HOMES:
        raise AttributeError(f"module 'sftdata' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
