"""The fit of each split into a length limit: padding, packs and steps of an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sftdata.loading.padding import measure_batch_padding, measure_padding


def measure_fit(
    lengths: Mapping[str, npt.NDArray[np.int32]], max_length: int, batch_size: int | None
) -> dict[str, Any]:
    """Padding and packs at `max_length` tokens; with `batch_size` also steps of an epoch.

    `lengths`: the tokens of each row, by split.
    """
    splits = {}
    for name, values in lengths.items():
        figures = measure_padding(values, max_length)
        splits[name] = {
            "rows": figures.rows,
            "too_long": figures.too_long,
            "padding_waste": figures.padding_waste,
            "packs": figures.packs,
            "packing_efficiency": figures.packing_efficiency,
        }
        if batch_size is not None:
            splits[name] |= {
                "batch_padding": measure_batch_padding(values, batch_size),
                "steps_per_epoch": -(-figures.rows // batch_size),
                "packed_steps_per_epoch": -(-figures.packs // batch_size),
            }
    return {"max_length": max_length, "batch_size": batch_size, "splits": splits}
