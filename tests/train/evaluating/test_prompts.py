"""Prompts to evaluate on: the same rows with any number of shots, and their reference answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset, Example
from sftdata.rendering.template import parse_template
from sftdata.versioning.releases import load_template
from sftdata_train.evaluating.prompts import answer_ids, extract_source, prompt_ids, select_prompts


def test_shots_stand_before_the_same_rows(dataset: Path, data: Dataset, tmp_path: Path) -> None:
    none, two = (
        select_prompts(data, "validation", shots, limit=3, scratch=tmp_path) for shots in (0, 2)
    )
    assert none.data is data
    by_id = {example.row_id: example for example in two.examples}
    assert set(by_id) == {example.row_id for example in none.examples}
    for example in none.examples:
        text, with_shots = (bytes(prompt_ids(e)) for e in (example, by_id[example.row_id]))
        assert with_shots.count(b"Summary:") == 3
        assert with_shots.endswith(text[text.index(b"Article:") :])
        assert answer_ids(by_id[example.row_id]) == answer_ids(example)


def test_an_empty_split_names_the_others(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SftdataError, match=r"no rows to evaluate on(?s:.*)train, validation"):
        select_prompts(data, "test", 0, limit=0, scratch=tmp_path)


def test_of_several_turns_the_last_answer_is_the_reference() -> None:
    ids = np.array([1, 2, 3, 4, 5, 6, 7, 8], np.int32)
    mask = np.array([0, 0, 1, 1, 1, 0, 1, 1], np.bool_)
    example = Example("r", "t", ids, mask, 2)
    assert (prompt_ids(example), answer_ids(example)) == ([1, 2, 3, 4, 5, 6], [7])


def test_the_source_is_read_out_of_the_last_prompt() -> None:
    template = parse_template(
        "grammar/x",
        "{% block prompt %}\nFix:\n{{ text }}\nFixed:\n{% endblock %}"
        "{% block target %}{{ corrected }}{% endblock %}",
    )
    shot = "Fix:\nhe go\nFixed:\nhe goes\n\n"
    assert extract_source(f"{shot}Fix:\nshe go\nFixed:\n", template) == "she go"
    assert extract_source("<s>user\nFix:\nshe go\nFixed:</s>\n", template) == "she go"
    assert extract_source("nothing like it", template) is None
    two = load_template("summarize/article")
    assert extract_source("Article:\nx\n\nSummary:\n", two) == "x"
