"""Errors: the whole message, the exit code, and the suggestion for a wrong name."""

from __future__ import annotations

import pytest

from sftdata.errors import SftdataError, UnknownSplitError, VerificationError, did_you_mean


def test_the_way_out_stands_on_the_line_below_the_fault() -> None:
    assert str(SftdataError("It is wrong.")) == "It is wrong."
    assert str(SftdataError("It is wrong.", "Do this.")) == "It is wrong.\nDo this."


def test_an_exit_code_belongs_to_the_class() -> None:
    assert (SftdataError("x").exit_code, VerificationError("x").exit_code) == (1, 3)


def test_an_unknown_split_is_a_key_error_that_does_not_quote_its_message() -> None:
    with pytest.raises(KeyError) as caught:
        raise UnknownSplitError("There is no split 'trian'.")
    assert str(caught.value) == "There is no split 'trian'."


@pytest.mark.parametrize(
    ("name", "known", "sentence"),
    [
        ("trian", ["test", "train"], "Did you mean 'train'?"),
        ("val", ["test", "validation"], "Did you mean 'validation'?"),
        ("xyz", ["test", "train"], "Known: test, train."),
        ("xyz", [], "There are none."),
    ],
)
def test_a_wrong_name_gets_the_nearest_one_or_all(
    name: str, known: list[str], sentence: str
) -> None:
    assert did_you_mean(name, known) == sentence
