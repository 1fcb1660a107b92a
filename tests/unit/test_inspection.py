"""Inspect: the text and tokens of an example, and text from data made safe to print."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.builder import build
from sftdata.errors import SftdataError
from sftdata.escaping import escape
from sftdata.inspection import Inspector, choose_rows
from sftdata.loader import DataSet, load

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
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    build("summarize", data=source, out=folder / "out")
    return load(folder / "out")


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


def test_rows_are_chosen_by_id_index_or_at_random(data: DataSet) -> None:
    (row,) = choose_rows(data, split="train", index=4)
    assert row[1].row_id == data["train"][4].row_id
    assert [e.row_id for _, e in choose_rows(data)] == [data["train"][i].row_id for i in range(3)]
    first = [e.row_id for _, e in choose_rows(data, sample=5, seed=1)]
    assert first == [e.row_id for _, e in choose_rows(data, sample=5, seed=1)]
    assert len(set(first)) == 5
    assert first != [e.row_id for _, e in choose_rows(data, sample=5, seed=2)]
    assert len(choose_rows(data, sample=10_000)) == len(ARTICLES) + 40
    assert {name for name, _ in choose_rows(data, split="test", sample=99)} == {"test"}


def test_a_row_that_is_not_there_is_an_error_with_a_place_to_look(data: DataSet) -> None:
    with pytest.raises(SftdataError, match=r"'nope'(?s:.*)sftdata ledger"):
        choose_rows(data, row_id="nope")
    for index in (-1, 10_000):
        with pytest.raises(SftdataError, match=str(index)):
            choose_rows(data, index=index)
    with pytest.raises(SftdataError, match="Did you mean 'train'"):
        choose_rows(data, split="trian")


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 日本 😀 é", "plain ünïcode 日本 😀 é"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u2066c\u200ed", "a\\u{202e}b\\u{2066}c\\u{200e}d"),
        ("a\u200bb\u200dc\ufeffd\u00ade", "a\\u{200b}b\\u{200d}c\\u{feff}d\\xade"),
        ("a\u2028b\u2029c\x85d", "a\\u{2028}b\\u{2029}c\\x85d"),
        ("a\nb\rc\td\0", "a\\nb\\rc\\td\\x00"),
        ("\U000e0041\ue000", "\\u{e0041}\\u{e000}"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_what_a_terminal_would_act_on_is_made_visible(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_line_breaks_may_stay() -> None:
    assert escape("a\nb\r\n\x1b", keep_newlines=True) == "a\nb\\r\n\\x1b"


@given(st.text())
def test_nothing_hidden_is_left_of_any_text(text: str) -> None:
    assert all(unicodedata.category(char)[0] != "C" for char in escape(text))
    assert not set(escape(text)) & {"\u2028", "\u2029"}
