"""Which blocks a page has."""

from __future__ import annotations

import pytest
from support.doc_pages.blocks import PageError, find_blocks


def test_a_block_has_its_language_its_title_and_its_line() -> None:
    page = 'Text.\n\n```json title="a/b.json"\n{}\n```\n'
    (block,) = find_blocks(page)
    assert (block.language, block.title, block.text, block.line) == ("json", "a/b.json", "{}\n", 4)


def test_an_indented_block_loses_the_indent_of_its_fence_only() -> None:
    page = "* A list:\n\n    ```python\n    if x:\n        y\n\n    ```\n"
    assert find_blocks(page)[0].text == "if x:\n    y\n\n"


def test_a_longer_fence_holds_a_shorter_one() -> None:
    (block,) = find_blocks("````markdown\n```console\n$ ls\n```\n````\n")
    assert block.lines == ("```console", "$ ls", "```")


def test_a_block_is_not_run_for_the_reason_in_the_line_above_it() -> None:
    page = "<!-- not run: needs the network -->\n```console\n$ pip install x\n```\n\n```\n```\n"
    assert [block.not_run for block in find_blocks(page)] == ["needs the network", None]


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("```python\nx\n", "line 1: this block is not closed"),
        ("<!-- not run: x -->\n\n```\n```\n", "line 1: no block follows 'not run'"),
        ("  ```python\nx\n  ```\n", "line 2: indented less than the fence"),
    ],
)
def test_a_broken_page_is_an_error_with_its_line(page: str, fault: str) -> None:
    with pytest.raises(PageError, match=fault):
        find_blocks(page)
