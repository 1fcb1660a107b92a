"""The dropout of a model's own config, such as GPT-2's 0.1.

It draws anew for each micro-batch, so a step would depend on how it is split: off unless asked for.
"""

from __future__ import annotations

from typing import Any

_OTHER_HEADS = ("classifier", "summary")  # of models for other tasks


def find_dropout(config: Any) -> dict[str, float]:
    """The settings of a config that drop something, with their values."""
    return {
        name: value
        for name, value in sorted(config.get_text_config().to_dict().items())
        if ("dropout" in name or "pdrop" in name or "layerdrop" in name)
        and not name.startswith(_OTHER_HEADS)
        and isinstance(value, float)
        and value > 0
    }


def set_dropout(config: Any, values: dict[str, float]) -> None:
    """Set these settings in a config, in place."""
    for name, value in values.items():
        setattr(config.get_text_config(), name, value)
