"""Columns: what is missing is named all at once, with the mapping that is most likely meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.column_check import ReadPath, check_columns, check_keys, suggest


def check(columns: Sequence[str], *read: ReadPath) -> str:
    """The message of the check; "" if nothing is missing."""
    try:
        check_columns("news.csv", columns, {path.name: [path] for path in read})
    except GoldenSetError as error:
        return str(error)
    return ""


def test_columns_that_are_there_are_no_fault() -> None:
    assert check(["a", "b"], ReadPath("article", "a.text[0]"), ReadPath("summary", "b")) == ""


def test_one_of_several_paths_is_enough() -> None:
    paths = [ReadPath("summary", "highlights"), ReadPath("summary", "tldr")]
    check_columns("news.csv", ["tldr"], {"summary": paths})
    with pytest.raises(GoldenSetError, match=r"'highlights' or 'tldr'; news\.csv has: x"):
        check_columns("news.csv", ["x"], {"summary": paths})


def test_a_later_source_may_hold_rows_of_another_kind() -> None:
    read = {"summary": [ReadPath("summary", "summary")]}
    for is_first in (True, False):
        with pytest.raises(GoldenSetError) as caught:
            check_columns("news.csv", ["tldr"], read, is_first=is_first)
        assert ("Rows of another kind are built on their own" in str(caught.value)) is not is_first


def test_all_missing_columns_are_named_at_once() -> None:
    assert check(
        ["body", "highlights", "day"],
        ReadPath("article", "article"),
        ReadPath("summary", "summary"),
    ) == (
        "The field 'article' is read from 'article' and the field 'summary' is read from "
        "'summary'; news.csv has: body, day, highlights.\n"
        "Map them, for example: --map article=body --map summary=highlights\n"
        "Did you mean 'body'? Did you mean 'highlights'?"
    )


def test_a_key_of_the_spec_has_no_map() -> None:
    assert check(["titel", "article"], ReadPath("group", "title", is_key=True)).splitlines() == [
        "group names 'title'; news.csv has: article, titel.",
        "Give group one of these columns.",
        "Did you mean 'titel'?",
    ]


def test_two_fields_in_one_map_are_told_apart() -> None:
    path = ReadPath("question", "Frage,answer=Antwort")
    assert check(["Frage", "Antwort"], path).splitlines()[1] == (
        "Each field has a --map of its own: --map FIELD=COLUMN --map FIELD=COLUMN"
    )


def test_an_id_that_is_not_there_may_be_left_out() -> None:
    assert check(["uid", "article"], ReadPath("id", "ident")).splitlines()[1:] == [
        "Map it, for example: --map id=uid",
        "Did you mean 'uid'?",
        "Without ids the rows are named by their content: --map id=none",
    ]


@pytest.mark.parametrize(
    ("name", "columns", "expected"),
    [
        ("article", ["Article", "text"], "Article"),
        ("source_lang", ["SourceLang"], "SourceLang"),
        ("summary", ["id", "abstract", "url"], "abstract"),
        ("summary", ["n", "short_summary"], "short_summary"),
        ("corrected", ["n", "corected"], "corected"),
        ("answer", ["zzz"], "zzz"),  # the only one left
        ("answer", ["zzz", "yyy"], None),
        ("id", ["zzz"], None),
    ],
)
def test_the_likeliest_column_is_suggested(
    name: str, columns: Sequence[str], expected: str | None
) -> None:
    assert suggest([ReadPath(name, name)], columns).get(name) == expected


def test_a_column_is_suggested_once() -> None:
    found = suggest([ReadPath("article", "article"), ReadPath("text", "text")], ["text", "body"])
    assert found == {"text": "text", "article": "body"}


ROWS: list[dict[str, Any]] = [
    {"meta": {"title": "a", "by": [{"name": "x"}]}, "none": None},
    {"meta": None, "none": None},
]


@pytest.mark.parametrize(
    ("path", "place", "hint"),
    [
        ("meta.titel", "'meta' of a.jsonl has: by, title.", "Did you mean 'title'?"),
        ("meta.by[0].nam", "'meta.by[]' of a.jsonl has: name.", "Did you mean 'name'?"),
    ],
)
def test_a_key_that_no_object_has_is_named_with_those_they_have(
    path: str, place: str, hint: str
) -> None:
    with pytest.raises(GoldenSetError) as caught:
        check_keys("a.jsonl", ROWS, [ReadPath("group", path, is_key=True)])
    assert str(caught.value) == f"group names '{path}'; {place}\n{hint}"


@pytest.mark.parametrize("path", ["meta.title", "meta.by[0].name", "none.x", "meta.title.x", "x"])
def test_a_path_that_may_lead_somewhere_is_no_fault(path: str) -> None:
    check_keys("a.jsonl", ROWS, [ReadPath("group", path, is_key=True)])


def test_a_column_with_a_dot_in_its_name_is_written_in_quotation_marks() -> None:
    read = {"answer": [ReadPath("answer", "answers.text")]}
    with pytest.raises(GoldenSetError) as caught:
        check_columns("a.csv", ["question", "answers.text"], read)
    assert str(caught.value).splitlines()[1:] == [
        """Map it, for example: --map 'answer="answers.text"'""",
        """Did you mean '"answers.text"'?""",
    ]
    check_columns("a.csv", ["answers.text"], {"answer": [ReadPath("answer", '"answers.text"')]})
