"""Stats: the numbers of a dataset equal those counted row by row."""

from __future__ import annotations

from pathlib import Path

from support import handmade
from support.handmade import row

from sftdata.inspecting.stats.compute import compute_stats
from sftdata.loading.dataset import Dataset


def test_rows_tokens_and_shares(data: Dataset) -> None:
    found = compute_stats(data)
    assert (found["rows"], found["tokens"], found["target_tokens"]) == (4, 4 + 7 + 4 + 6, 11)
    assert found["target_share"] == round(11 / 21, 6)
    assert found["prompt_length"] == {"p50": 2, "p90": 4, "p95": 4, "p99": 4, "max": 4}
    assert found["length"]["max"] == 7
    assert sum(bar["rows"] for bar in found["histograms"]["length"]) == 4


def test_repeated_rows_are_counted_once_each(data: Dataset) -> None:
    assert compute_stats(data)["duplicates"] == 1  # "c" has the tokens of "a"


def test_without_its_tokenizer_a_dataset_still_has_lengths(
    tmp_path: Path, byte_tokenizer: Path, data: Dataset
) -> None:
    tokenizer = {**data.manifest["tokenizer"], "name": "./gone"}
    gone = handmade.write(tmp_path, byte_tokenizer, [row("a", "ab", "c")], tokenizer=tokenizer)
    found = compute_stats(gone)
    assert found["tokens"] == 4
    assert found["text"] is None
    assert found["languages"] is None
