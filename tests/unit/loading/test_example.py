"""A row shows itself in one line, and its text where it knows a reader."""

from __future__ import annotations

import numpy as np
import pytest

from sftdata.errors import SftdataError
from sftdata.loading.example import Example


def example(**more: object) -> Example:
    mask = np.array([False, False, True, True])
    return Example("r1", "t/x@1.0.0", np.array([97, 10, 98, 256], np.int32), mask, 2, **more)  # type: ignore[arg-type]


def test_the_repr_is_one_line_without_arrays() -> None:
    assert repr(example()) == "Example('r1', 4 tokens, 2 in the loss, 't/x@1.0.0')"


@pytest.mark.parametrize("name", ["text", "prompt", "target", "tokens"])
def test_a_row_without_a_dataset_says_where_to_get_one(name: str) -> None:
    with pytest.raises(SftdataError, match=r"row 'r1' doesn't know(?s:.*)sftdata\.load\(DATASET\)"):
        getattr(example(), name)


def test_a_row_without_a_dataset_is_its_repr_in_a_notebook() -> None:
    assert example()._repr_html_() is None


def test_text_tokens_and_html_come_from_the_reader() -> None:
    class Reader:
        def read(self, row: Example, /) -> tuple[str, str]:
            return "a\n", "b"

        def read_tokens(self, row: Example, /) -> tuple[str, ...]:
            return ("a", "Ċ", "b", "<eos>")

        def to_html(self, row: Example, /) -> str:
            return f"<b>{row.row_id}</b>"

    row = example(reader=Reader())
    assert (row.prompt, row.target, row.text) == ("a\n", "b", "a\nb")
    assert row.tokens == ("a", "Ċ", "b", "<eos>")
    assert row._repr_html_() == "<b>r1</b>"
