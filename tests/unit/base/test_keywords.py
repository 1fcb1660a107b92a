"""Errors in Python name the keywords, not only the options of the command line."""

import pytest

import sftdata
from sftdata.base.keywords import describe_keywords


def test_an_option_is_named_with_its_keyword():
    message = "The row is too long.\nLet examples be longer: --max-length 300"
    assert describe_keywords(message) == "In Python: --max-length is max_length=…"


def test_an_option_of_another_name_is_named_by_that():
    assert describe_keywords("Map it: --map article=body, or --map id=none") == (
        'In Python: --map is fields={"FIELD": "COLUMN"}'
    )


def test_the_options_of_a_command_to_type_are_left_alone():
    assert describe_keywords("See them: sftdata ledger data/x --reason cut") == ""


def test_an_error_of_build_has_the_note_and_the_message_stays(tmp_path):
    rows = tmp_path / "news.jsonl"
    rows.write_text('{"body": "A long text.", "summary": "Short."}\n')
    with pytest.raises(sftdata.SftdataError, match="--map article=body") as caught:
        sftdata.build("summarize", data=rows, out=tmp_path / "out")
    assert caught.value.__notes__ == ['In Python: --map is fields={"FIELD": "COLUMN"}']
