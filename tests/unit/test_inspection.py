"""Inspect: the text, the tokens and the mask of an example."""

from __future__ import annotations

from pathlib import Path

import pytest
from plain import build_plain

from sftdata.choosing import choose_rows
from sftdata.errors import SftdataError
from sftdata.inspection import Inspector
from sftdata.loader import DataSet

PROMPT = "You are a helpful assistant that summarizes articles.\n\nArticle:\n{}\n\nSummary:\n"
ARTICLES = [
    "plain", "naïve 日本 😀", "control-like <|endoftext|> text", " spaces  around ", "tab\tand\r\n",
    "esc \x1b[31m bell \x07", "[bold]markup[/bold]", "bidi \u202e zero \u200b", "a" * 300,
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    folder = tmp_path_factory.mktemp("inspection")
    rows = [{"id": f"r{i}", "article": a, "summary": a[::-1]} for i, a in enumerate(ARTICLES)]
    rows += [{"id": f"more{i}", "article": f"a{i}", "summary": f"s{i}"} for i in range(40)]
    return build_plain(folder, rows)


@pytest.mark.parametrize("number", range(len(ARTICLES)))
def test_prompt_and_target_are_the_rendered_text(data: DataSet, number: int) -> None:
    ((split, example),) = choose_rows(data, row_id=f"r{number}")
    shown = Inspector(data).inspect(split, example).to_json()
    assert shown["prompt"] == PROMPT.format(ARTICLES[number])
    assert shown["target"] == ARTICLES[number][::-1]
    assert shown["input_ids"] == example.input_ids.tolist()
    assert shown["label_mask"] == example.label_mask.tolist()
    assert len(shown["tokens"]) == len(shown["input_ids"])
    assert shown["tokens"][-1] == "<|endoftext|>"
    assert "<|endoftext|>" not in shown["tokens"][:-1]
    assert (shown["row_id"], shown["split"]) == (f"r{number}", split)


def test_another_tokenizer_than_that_of_the_build_is_refused(
    data: DataSet, byte_tokenizer: Path
) -> None:
    recorded = data.manifest["tokenizer"] | {"name": str(byte_tokenizer)}
    other = DataSet(
        type(data.manifest)(
            data.manifest.directory, {**data.manifest.content, "tokenizer": recorded}
        )
    )
    with pytest.raises(SftdataError, match="not the one the data set was built with"):
        _ = Inspector(other).tokenizer
