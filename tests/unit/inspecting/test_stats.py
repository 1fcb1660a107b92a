"""Stats: the numbers of a dataset equal those counted row by row."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import handmade
from support.handmade import EOS, Row, row

from sftdata.building.build import build
from sftdata.inspecting.stats import LengthCounts, compute_stats, frame
from sftdata.loading.dataset import Dataset, load
from sftdata.writing.summary import quantiles

lengths = st.lists(st.integers(1, 40), min_size=1, max_size=60)


@pytest.fixture
def data(tmp_path: Path, byte_tokenizer: Path) -> Dataset:
    return handmade.write(
        tmp_path,
        byte_tokenizer,
        [
            row("a", "ab", "c"),
            row("b", "abcd", "é", template="made/other@1.0.0"),
            row("c", "ab", "c", split="test"),
            # Two answers: what the user says between them is not in the loss.
            Row("d", [*b"q", *b"A", EOS, *b"r", *b"B", EOS], 1, "test",
                label_mask=[False, True, True, False, True, True]),
        ],
    )  # fmt: skip


def test_rows_tokens_and_shares(data: Dataset) -> None:
    found = compute_stats(data)
    assert (found["rows"], found["tokens"], found["target_tokens"]) == (4, 4 + 7 + 4 + 6, 11)
    assert found["target_share"] == round(11 / 21, 6)
    assert found["prompt_length"] == {"p50": 2, "p90": 4, "p95": 4, "p99": 4, "max": 4}
    assert found["length"]["max"] == 7
    assert sum(bar["rows"] for bar in found["histograms"]["length"]) == 4


def test_targets_are_counted_by_the_mask(data: Dataset) -> None:
    assert frame(data)["target_tokens"].tolist() == [2, 3, 2, 4]


def test_the_frame_has_a_line_for_each_example(data: Dataset) -> None:
    found = frame(data)
    assert found.columns.tolist() == [
        "row_id", "split", "template", "prompt_tokens", "target_tokens", "tokens",
    ]  # fmt: skip
    assert found["row_id"].tolist() == ["a", "b", "c", "d"]
    assert found["split"].tolist() == ["train", "train", "test", "test"]
    assert found["tokens"].tolist() == [4, 7, 4, 6]
    assert found.groupby("template", observed=True)["tokens"].sum()["made/other@1.0.0"] == 7


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("split", {"train": 2, "test": 2}),
        ("template", {"made/plain@1.0.0": 3, "made/other@1.0.0": 1}),
        ("task", {"made": 4}),
        ("source", {"rows.jsonl": 4}),
    ],
)
def test_groups_add_up_to_the_whole(data: Dataset, by: str, rows: dict[str, int]) -> None:
    groups = compute_stats(data, by=by)["groups"]
    assert {name: group["rows"] for name, group in groups.items()} == rows


def test_repeated_rows_are_counted_once_each(data: Dataset) -> None:
    assert compute_stats(data)["duplicates"] == 1  # "c" has the tokens of "a"


def test_vocabulary_and_characters(data: Dataset) -> None:
    text = compute_stats(data)["text"]
    used = set(b"abcdqArB") | set("é".encode()) | {EOS}
    assert text["vocabulary_used"] == len(used)
    # 17 tokens that are not EOS; "é" is two of them and one character.
    assert text["chars_per_token"] == round(15 / 16, 4)
    assert text["byte_fallback_share"] == round(2 / 16, 6)
    assert text["unknown_share"] == 0


def test_without_its_tokenizer_a_data_set_still_has_lengths(
    tmp_path: Path, byte_tokenizer: Path, data: Dataset
) -> None:
    tokenizer = {**data.manifest["tokenizer"], "name": "./gone"}
    gone = handmade.write(tmp_path, byte_tokenizer, [row("a", "ab", "c")], tokenizer=tokenizer)
    found = compute_stats(gone)
    assert found["tokens"] == 4
    assert found["text"] is None
    assert found["languages"] is None


def test_languages_of_the_targets_are_those_of_the_sample(
    tmp_path: Path, byte_tokenizer: Path
) -> None:
    german = "Das ist ein kurzer deutscher Satz über das Wetter und die Stadt."
    french = "Ceci est une phrase française assez courte sur la ville et le temps."
    texts = [german] * 3 + [french] * 2 + ["ok"]
    rows = [row(f"r{i}", f"{i}\n", text) for i, text in enumerate(texts)]
    found = compute_stats(handmade.write(tmp_path, byte_tokenizer, rows))["languages"]
    assert found == {"sampled_rows": 6, "rows": {"de": 3, "fr": 2, "unknown": 1}}


@given(lengths)
def test_quantiles_of_counts_are_those_of_the_rows(values: list[int]) -> None:
    counts, column = LengthCounts(), np.array(values, np.int32)
    for part in np.array_split(np.stack([column] * 3, axis=1), 3):
        counts.add(part)
    found, expected = counts.summary()["length"], quantiles(column)
    assert {key: found[key] for key in expected} == expected
    assert found["p90"] == sorted(values)[math.ceil(0.9 * len(values)) - 1]
    bars = counts.histograms()["length"]
    for bar in bars:
        assert bar["rows"] == sum(bar["from"] <= v <= bar["to"] for v in values)
    assert sum(bar["rows"] for bar in bars) == len(values)


def test_steps_of_an_epoch(tmp_path: Path, byte_tokenizer: Path) -> None:
    rows = [row(f"r{i}", "abc", "d") for i in range(10)]  # five tokens each
    found = compute_stats(
        handmade.write(tmp_path, byte_tokenizer, rows), max_length=10, batch_size=3
    )["fit"]["splits"]["train"]
    assert found["steps_per_epoch"] == 4
    assert found["packs"] == 5
    assert found["packed_steps_per_epoch"] == 2
    assert found["padding_waste"] == 0.5
    assert found["packing_efficiency"] == 1


def test_the_ledger_says_what_became_of_a_source(tmp_path: Path) -> None:
    lines = [json.dumps({"article": f"a{i}", "summary": "s"}) for i in range(50)]
    Path("one.jsonl").write_text("\n".join(lines))
    Path("two.jsonl").write_text(
        '{"article": "", "summary": "s"}\n{"article": "b", "summary": "s"}'
    )
    build("summarize", data=["one.jsonl", "two.jsonl"], out="out", max_dropped=5)
    groups = compute_stats(load("out"), by="source")["groups"]
    assert {name: group["dropped"] for name, group in groups.items()} == {
        "one.jsonl": 0,
        "two.jsonl": 1,
    }
    assert groups["two.jsonl"]["rows"] == 1
    assert groups["one.jsonl"]["rows"] == 50
