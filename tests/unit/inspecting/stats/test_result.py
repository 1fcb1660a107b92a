"""The types of the statistics name the keys that the statistics have."""

from __future__ import annotations

from pathlib import Path

from support import handmade
from support.handmade import row

from sftdata.inspecting.stats.compute import compute_stats
from sftdata.inspecting.stats.result import (
    Bar,
    Fit,
    Histograms,
    Languages,
    Quantiles,
    Stats,
    TextUse,
)  # fmt: skip


def test_the_typed_keys_are_those_that_are_computed(tmp_path: Path, byte_tokenizer: Path) -> None:
    data = handmade.write(tmp_path, byte_tokenizer, [row("a", "b\n", "c")])
    found = compute_stats(data)
    assert found.keys() == Stats.__required_keys__
    for key, kind in (
        ("prompt_length", Quantiles), ("histograms", Histograms), ("fit", Fit), ("text", TextUse),
        ("languages", Languages),
    ):  # fmt: skip
        assert found[key].keys() == kind.__required_keys__, key
    assert found["histograms"]["length"][0].keys() == Bar.__required_keys__
