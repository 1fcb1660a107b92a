"""Field paths: which text is one, and what it leads to."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.errors import SpecError
from sftdata.spec.paths import MISSING, expand_paths, follow, parse_path, path_of

ROW: dict[str, Any] = {
    "id": 7,
    "answers": {"text": ["first", "second"], "start": []},
    "translation": {"de": "Hallo", "en": None},
    "two words": "spaced",
}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("article", ("article",)),
        ("translation.de", ("translation", "de")),
        ("answers.text[0]", ("answers", "text", 0)),
        ("answers.text[-1]", ("answers", "text", -1)),
        ("a[0][1].b", ("a", 0, 1, "b")),
        ("two words", ("two words",)),
        ("übung-1_x", ("übung-1_x",)),
        ('"answers.text"', ("answers.text",)),
        ('a."b.c"[0]."d[1]"', ("a", "b.c", 0, "d[1]")),
        ('say "hi"', ('say "hi"',)),
        ('"', ('"',)),
        ('"a"b', ('"a"b',)),
    ],
)
def test_a_path_is_names_and_indices(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize("name", ["a", "two words", "a.b", "a[0]", "[]", 'say "hi"', "übung"])
def test_each_name_has_a_path(name: str) -> None:
    assert parse_path(path_of(name)) == (name,)


@pytest.mark.parametrize("text", ["", ".a", "a..b", "a[", "a[x]", "a]", "[0]", "a[0"])
def test_what_is_no_path_is_named_with_the_way_out(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_path(text)
    assert "path" in str(caught.value)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("id", 7),
        ("answers.text[0]", "first"),
        ("answers.text[-1]", "second"),
        ("translation.de", "Hallo"),
        ("translation.en", None),
        ("two words", "spaced"),
    ],
)
def test_a_path_leads_to_its_value(text: str, value: Any) -> None:
    assert follow(ROW, parse_path(text)) == value


@pytest.mark.parametrize(
    "text", ["nope", "answers.nope", "answers.text[2]", "answers.start[0]", "id.x", "id[0]", "a.b"]
)
def test_a_path_to_nowhere_is_missing_which_null_is_not(text: str) -> None:
    assert follow(ROW, parse_path(text)) is MISSING
    assert follow(ROW, parse_path("translation.en")) is None


def test_a_list_is_expanded_into_a_path_for_each_of_its_items() -> None:
    row = {"id": 1, "turns": [{"q": "a", "a": "b"}, {"q": "c"}]}
    paths = [parse_path(text) for text in ("id", "turns[].q", "turns[].a")]
    found = [[follow(row, path) for path in steps] for _, steps in expand_paths(row, paths)]
    assert found == [[1, "a", "b"], [1, "c", MISSING]]


@pytest.mark.parametrize("row", [{}, {"turns": []}, {"turns": "text"}])
def test_a_row_without_items_gives_one_item_that_is_missing(row: dict[str, Any]) -> None:
    ((number, (path,)),) = expand_paths(row, [parse_path("turns[].q")])
    assert (number, follow(row, path)) == (0, MISSING)
