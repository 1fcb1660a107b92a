"""Runs of the train stage that are refused, and the changes to a model that cause it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftdata.errors import SftdataError
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.training_run import prepare


def refusal(dataset: Path, model: Path, **changes: Any) -> str:
    """The error of preparing a run with these changes to the recipe."""
    recipe = load_recipe(None, **changes)
    with pytest.raises(SftdataError) as caught:
        prepare(dataset, str(model), recipe, allow_draft=True)
    return str(caught.value)


def change_config(model: Path, **changes: Any) -> None:
    """Overwrite values in the model's config.json."""
    path = model / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
