"""Printing: which stream a line goes to, and that nothing in it acts on a terminal."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from sftdata.cli.output import print_error, print_json, print_note
from sftdata.errors import GoldenSetError

HOSTILE = "a\x1b[31m\u202e"


def test_an_error_is_escaped_and_its_further_lines_are_indented(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_error(GoldenSetError(f"'{HOSTILE}' is wrong.", "Do this."))
    assert capsys.readouterr() == (
        "",
        "Error E204: 'a\\x1b[31m\\u{202e}' is wrong.\n       Do this.\n",
    )


def test_a_note_goes_to_stderr_and_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_note(f"one\n{HOSTILE}")
    assert capsys.readouterr() == ("", "one\na\\x1b[31m\\u{202e}\n")


def test_json_is_one_line_of_ascii_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": f"{HOSTILE}\né"})
    out, err = capsys.readouterr()
    assert (json.loads(out), err) == ({"text": f"{HOSTILE}\né"}, "")
    assert out.isascii()
    assert out.count("\n") == 1


def test_numbers_of_numpy_and_infinities_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"loss": np.float32(0.5), "perplexity": math.inf, "all": (np.float64("nan"), 1)})
    print_json([np.float32("inf"), np.int64(3), True, None])
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"loss": 0.5, "perplexity": None, "all": [None, 1]},
        [None, 3, True, None],
    ]


def test_an_error_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(GoldenSetError("It is wrong.", "Do this."), as_json=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err) == {
        "error": {"code": "E204", "exit_code": 1, "message": "It is wrong.\nDo this."}
    }
