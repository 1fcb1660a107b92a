"""Words and numbers of a dataset's summary."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.writing.summary import split_origin


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ([{"path": "a.jsonl"}], "shares"),
        ([{"split": "train"}, {"split": "test"}], "given splits"),
        ([{"split": "test"}, {"path": "a.jsonl"}], "given splits, shares"),
        ([{"split_column": "part"}, {"split_column": "part"}], "column part"),
        ([{"split_column": "part"}, {"path": "a.jsonl"}], "column part, shares"),
    ],
)
def test_the_origin_of_splits_is_told_by_the_sources(
    sources: list[dict[str, Any]], words: str
) -> None:
    assert split_origin(sources) == words
