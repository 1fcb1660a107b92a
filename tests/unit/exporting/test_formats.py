"""Formats: a wrong request says what to do."""

from __future__ import annotations

import pytest

from sftdata.errors import SftdataError
from sftdata.exporting.formats import find_format


@pytest.mark.parametrize(
    ("name", "near"), [("tlr", "trl"), ("megatron", "megatron-packed"), ("olmo", "olmo-core")]
)
def test_an_unknown_format_ends_in_a_suggestion(name: str, near: str) -> None:
    with pytest.raises(SftdataError, match=rf"no format '{name}'(?s:.*)Did you mean '{near}'"):
        find_format(name, None, False)


def test_packed_sequences_need_a_length() -> None:
    with pytest.raises(SftdataError, match="--max-length"):
        find_format("megatron-packed", None, False)


def test_a_format_without_text_columns_says_which_have_some() -> None:
    with pytest.raises(SftdataError, match=r"no columns for texts(?s:.*)hf, parquet, jsonl"):
        find_format("trl", None, True)
