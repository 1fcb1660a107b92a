"""No traceback, whatever the terminal can show and the locale can read."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sftdata.cli import cli, main
from sftdata.cli.streams import check_arguments
from sftdata.errors import SftdataError


def test_a_closed_stdout_is_no_place_for_the_next_file() -> None:
    script = (
        "import os, sys; from sftdata.cli.streams import fill_closed_streams; "
        "fill_closed_streams(); file = open('made', 'x'); os.write(1, b'printed'); "
        "print('more', flush=True); sys.exit(sys.stdout.isatty())"
    )
    subprocess.run(["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, script], check=True)
    assert Path("made").read_text() == ""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("arguments", [["template", "list"], ["sources"], ["nöpe→"]])
def test_what_the_terminal_cannot_show_is_escaped(
    monkeypatch: pytest.MonkeyPatch, encoding: str, arguments: list[str]
) -> None:
    shown = io.BytesIO()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(shown, encoding, write_through=True))
    monkeypatch.setattr(sys, "argv", ["sftdata", *arguments])
    with pytest.raises(SystemExit) if arguments == ["nöpe→"] else contextlib.nullcontext():
        main()
    # click takes ASCII for a mistake of the environment, and writes UTF-8.
    text = shown.getvalue().decode("cp1252" if encoding == "cp1252" else "utf-8")
    assert bool(set(text) & {"→", "←"}) == (encoding != "cp1252")
    assert (r"\u2192" in text or r"\u2190" in text) == (encoding == "cp1252")


def test_a_name_of_other_bytes_is_an_error_before_anything_is_built() -> None:
    check_arguments(["build", "über.jsonl", "漢"])
    with pytest.raises(SftdataError, match=r"holds bytes that are not UTF-8\.\nRename"):
        check_arguments(["build", "a\udcff.jsonl"])


def test_a_locale_without_utf8_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    with pytest.raises(SftdataError, match=r"not ascii, the encoding of your locale\.\n.*UTF8=1"):
        check_arguments(["a\udcff.jsonl"])


def test_every_command_has_a_help_that_fits_forty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    runner = CliRunner()
    for name in cli.list_commands(None):  # type: ignore[arg-type]  # it needs no context
        result = runner.invoke(cli, [name, "--help"], terminal_width=40)
        assert (name, result.exit_code) == (name, 0)
