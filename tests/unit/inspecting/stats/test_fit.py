"""The fit of rows into a length limit, counted by hand."""

from __future__ import annotations

import numpy as np

from sftdata.inspecting.stats.fit import measure_fit


def test_steps_of_an_epoch() -> None:
    lengths = {"train": np.full(10, 5, np.int32), "test": np.empty(0, np.int32)}
    found = measure_fit(lengths, max_length=10, batch_size=3)["splits"]
    assert found["train"]["steps_per_epoch"] == 4
    assert found["train"]["packs"] == 5
    assert found["train"]["packed_steps_per_epoch"] == 2
    assert found["train"]["padding_waste"] == 0.5
    assert found["train"]["packing_efficiency"] == 1
    assert found["test"]["steps_per_epoch"] == 0


def test_without_a_batch_size_there_are_no_steps() -> None:
    found = measure_fit({"train": np.array([5, 20], np.int32)}, max_length=10, batch_size=None)
    assert found["splits"]["train"]["too_long"] == 1
    assert "steps_per_epoch" not in found["splits"]["train"]
