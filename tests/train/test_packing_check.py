"""A model that attends across the examples of a pack is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.tiny_models import gpt2, llama

from sftdata.errors import SftdataError
from sftdata.loading.dataset import load
from sftdata_train.packing_check import check_boundaries


def test_a_model_that_mixes_packed_examples_is_found(dataset: Path) -> None:
    rows = [load(dataset)["train"][i] for i in range(2)]
    for model in (llama(), gpt2()):
        check_boundaries(model, rows, 256)
        model.forward = _without_positions(model.forward)
        with pytest.raises(SftdataError, match="mixes the examples of a pack"):
            check_boundaries(model, rows, 256)


def _without_positions(forward: Any) -> Any:
    """As a model that was written before packing, and makes its own positions."""
    return lambda position_ids=None, **inputs: forward(**inputs)
