"""Tokenizer folders made to harm: one error each, within limits; nothing is read or run outside.

`SFTDATA_FAULTS=all pytest -s tests/faults/test_hostile_tokenizers.py` tries all of them.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from support.hostile_tokenizers import CONVERTED, FILES, FOLDERS, write_good

from sftdata.base import arrow as columns
from sftdata.errors import TokenizerError
from sftdata.tokenizing.engines import ReferenceEngine
from sftdata.tokenizing.load import load_tokenizer

SECONDS = 15.0  # of the processor: of the child, which may take 10, and of this process
MEMORY = 400 * 1024  # kB by which this process may grow
IS_WHOLE = os.environ.get("SFTDATA_FAULTS") == "all"
# These do no harm: the library stops in time, or the file says nothing wrong.
HARMLESS = {
    "two entries of one id", "pre-tokenizers 40 deep", "scores that are infinite",
    "bytes that are missing", "a truncation to nothing", "a word without an end", "dropout of 2",
    "a pattern that backtracks on blanks", "a repeat of 100,000", "nested repeats",
    "a pattern that looks behind",
}  # fmt: skip
EVERY = 1 if IS_WHOLE else 5


def cases(names: dict[str, object]) -> list[str]:
    return list(names)[::EVERY]


def usage(who: int) -> float:
    spent = resource.getrusage(who)
    return spent.ru_utime + spent.ru_stime


def try_folder(name: str, folder: Path) -> None:
    """Loads the tokenizer and encodes a text, as a build does."""
    before = usage(resource.RUSAGE_SELF) + usage(resource.RUSAGE_CHILDREN)
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        tokenizer = load_tokenizer(str(folder))
        for plain in (tokenizer.plain_text, tokenizer.continuation):
            ReferenceEngine(plain).encode(columns.texts(["ab a", "a" * 500]))
    except TokenizerError as error:
        message = str(error)
        assert len(message) < 1000, message
        assert "root:" not in message
        assert str(folder) in message or "token" in message
        print(f"{name:40} {message.splitlines()[0][-90:]}")
    else:
        assert name in HARMLESS, "it loads"
        print(f"{name:40} no harm")
    spent = usage(resource.RUSAGE_SELF) + usage(resource.RUSAGE_CHILDREN) - before
    assert spent < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - size < MEMORY


def test_there_are_enough() -> None:
    assert len(FILES) + len(FOLDERS) + len(CONVERTED) >= 60


@pytest.mark.parametrize("name", cases({**FILES}))
def test_a_file_made_to_harm_is_one_error(name: str, tmp_path: Path) -> None:
    write_good(tmp_path / "t")
    (tmp_path / "t" / "tokenizer.json").write_text(FILES[name], encoding="utf-8")
    try_folder(name, tmp_path / "t")


@pytest.mark.parametrize("name", cases({**FOLDERS}))
def test_a_folder_made_to_harm_is_one_error(name: str, tmp_path: Path) -> None:
    write_good(tmp_path / "t")
    (tmp_path / "secret.json").write_text('{"eos_token": "</s>", "chat_template": "root:"}')
    FOLDERS[name](tmp_path / "t")
    try_folder(name, tmp_path / "t")


@pytest.mark.skipif(not IS_WHOLE, reason="transformers takes seconds to import")
@pytest.mark.parametrize("name", list(CONVERTED))
def test_files_for_transformers_run_no_code(name: str, tmp_path: Path) -> None:
    write_good(tmp_path / "t")
    CONVERTED[name](tmp_path / "t")
    try_folder(name, tmp_path / "t")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t"]


def test_the_good_folder_is_good(tmp_path: Path) -> None:
    write_good(tmp_path / "t")
    assert load_tokenizer(str(tmp_path / "t")).eos_id == 3
