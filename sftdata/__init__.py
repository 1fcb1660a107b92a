"""sftdata: golden sets in, exact tokenized Arrow shards for supervised fine-tuning out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sftdata.base.version import __version__

__all__ = [
    "Batch", "Dataset", "Example", "Finding", "InspectedRow", "Outcome", "Prompter", "Rows",
    "SftdataError", "Split", "Stats", "__version__", "build", "doctor", "inspect", "load",
    "render_prompt", "stats",
]  # fmt: skip

if TYPE_CHECKING:
    from sftdata.building.build import Outcome, build
    from sftdata.errors import SftdataError
    from sftdata.inspecting.doctor import Finding
    from sftdata.inspecting.notebook import Rows, doctor, inspect, load, stats
    from sftdata.inspecting.rows.inspector import InspectedRow
    from sftdata.inspecting.stats.result import Stats
    from sftdata.loading.dataset import Batch, Dataset, Example, Split
    from sftdata.serving.prompter import Prompter, render_prompt

_HOMES = {
    "Batch": "sftdata.loading.dataset",
    "Dataset": "sftdata.loading.dataset",
    "Example": "sftdata.loading.dataset",
    "Finding": "sftdata.inspecting.doctor",
    "InspectedRow": "sftdata.inspecting.rows.inspector",
    "Outcome": "sftdata.building.build",
    "Prompter": "sftdata.serving.prompter",
    "Rows": "sftdata.inspecting.notebook",
    "SftdataError": "sftdata.errors",
    "Split": "sftdata.loading.dataset",
    "Stats": "sftdata.inspecting.stats.result",
    "build": "sftdata.building.build",
    "doctor": "sftdata.inspecting.notebook",
    "inspect": "sftdata.inspecting.notebook",
    "load": "sftdata.inspecting.notebook",
    "render_prompt": "sftdata.serving.prompter",
    "stats": "sftdata.inspecting.notebook",
}


def __getattr__(name: str) -> Any:
    # Imported at first use, so that `sftdata --help` doesn't wait for Arrow.
    if name not in _HOMES:
        raise AttributeError(f"module 'sftdata' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Names for TAB completion: the API, not the folders behind it."""
    return sorted(__all__)
