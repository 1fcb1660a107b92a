"""How printed outputs get into a page."""

from __future__ import annotations

import pytest
from support.doc_pages.rewriting import merge, rewrite
from support.doc_pages.walk import Output


@pytest.mark.parametrize(
    ("expected", "printed", "merged"),
    [
        ("a|b", "a|c", "a|c"),
        ("a|3 rows|…|d", "a|4 rows|x|y|d", "a|4 rows|…|d"),  # the gap stays
        (" n|1  a|…|23  b", "n|1 a|x|24 b", "n|1 a|…|24 b"),  # columns became narrower
        ("…|d 1", "x|y|d 2", "…|d 2"),
        ("a 1|…", "a 2|x", "a 2|…"),
        ("a|…|d", "b|c|e", "b|c|e"),  # nothing says where the gap was
        ("1 s|a … c|x", "2 s|a b c|y", "1 s|a … c|y"),  # lines that fit stay as they are
        ("", "a|b", "a|b"),
    ],
)
def test_merge(expected: str, printed: str, merged: str) -> None:
    assert merge(expected.split("|"), printed.split("|")) == merged.split("|")


def test_only_the_lines_of_the_output_change() -> None:
    page = "* list\n\n  ```console\n  $ a\n  1\n  $ b\n  2\n  ```\n\nend\n"
    outputs = [Output(5, 5, "  ", ("1",), ("x", "", "y")), Output(7, 7, "  ", ("2",), ("z",))]
    changed = "* list\n\n  ```console\n  $ a\n  x\n\n  y\n  $ b\n  z\n  ```\n\nend\n"
    assert rewrite(page, outputs) == changed
