"""What differs from run to run is masked, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.doc_pages.masks import TODAY, mask, mask_today


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("  time      0.94 s, 81 rows a second", "  time <time>, <rate> rows a second"),
        ("5,181 rows a second", "<rate> rows a second"),
        ("118 tokens/s  2.6 GB  0:01 left", "<rate> tokens/s <memory> <time> left"),
        ('"seconds": 0.44, "rows": 76', '"seconds": <number>, "rows": 76'),
        ('"rows_per_second": 1.7e-05', '"rows_per_second": <number>'),
        ("sha256:ab12cd34", "sha256:<digest>"),
        ("shards/7f3a99d0c1b2e4f5/train", "shards/<digest>/train"),
        ("sha256 8ac2cbbe…", "sha256 <digest>"),
        ("in /tmp/tmpx1/data/a.jsonl: 3", "in <temporary>: 3"),
        ("sftdata 0.1.0, Python 3.12.3", "sftdata <version>, Python <version>"),
        ('"torch": "2.13.0+cpu"', '"torch": "<version>"'),
        ("torch==2.13.0", "torch==<version>"),
        ("the cache holds 12.3 MB", "the cache holds <size>"),
    ],
)  # fmt: skip
def test_a_volatile_part_is_masked(line: str, masked: str) -> None:
    assert mask(line) == masked


@pytest.mark.parametrize(
    "line",
    [
        "  rows      76 in, 76 out, 0 cut; dropped: none",
        "  tokens    38,204, of these 4,786 in the loss (12.5%)",
        "  template  summarize/article@1.0.0, grammar/plain@1.2",
        "news.jsonl:17: the field 'summary' is empty",
        "step 4  held-out loss 8.9766",
        "Trained 59 steps.",
        "needs 12.3 MB of memory",
        "deadbeef facade 1234567890123456 accede effaced",
        "n17 2026-01-31 12 shots, 3 splits",
    ],
)
def test_a_part_that_must_be_right_is_not_masked(line: str) -> None:
    assert mask(line) == line


def test_only_the_date_of_today_is_masked() -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert mask_today(f"{today} 1987-01-31") == f"{TODAY} 1987-01-31"
    assert mask_today(f"{today}T10:20:30Z built") == f"{TODAY} built"
