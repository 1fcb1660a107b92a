"""Tokenizer folders made to harm: one error each, within limits; nothing is read or run outside."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from support.hostile_tokenizers import CONVERTED, FILES, FOLDERS, write_good
from support.loads import Load, Tally

from sftdata.base import arrow as columns
from sftdata.errors import TokenizerError
from sftdata.tokenizing.engines import ReferenceEngine
from sftdata.tokenizing.load import load_tokenizer

SECONDS = 15.0  # of the processor: of the child, which may take 10, and of this process
MEMORY = 400 * 1024  # kB by which this process may grow
# These do no harm: the library stops in time, or the file says nothing wrong.
HARMLESS = {
    "two entries of one id", "pre-tokenizers 40 deep", "scores that are infinite",
    "bytes that are missing", "a truncation to nothing", "a word without an end", "dropout of 2",
    "a pattern that backtracks on blanks", "a repeat of 100,000", "nested repeats",
    "a pattern that looks behind",
}  # fmt: skip
SHARE = 5  # CI tries one of so many


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


def test_a_file_made_to_harm_is_one_error(tmp_path: Path, load: Load, tally: Tally) -> None:
    for name in load.choose(list(FILES), len(FILES) // SHARE, "files"):
        folder = good_folder(tmp_path)
        (folder / "tokenizer.json").write_text(FILES[name], encoding="utf-8")
        tally.add("tokenizer.json", "made to harm", find_problem(name, folder))
    tally.check()


def test_a_folder_made_to_harm_is_one_error(tmp_path: Path, load: Load, tally: Tally) -> None:
    for name in load.choose(list(FOLDERS), len(FOLDERS) // SHARE, "folders"):
        folder = good_folder(tmp_path)
        (folder.parent / "secret.json").write_text(
            '{"eos_token": "</s>", "chat_template": "root:"}'
        )
        FOLDERS[name](folder)
        tally.add("tokenizer folder", "made to harm", find_problem(name, folder))
    tally.check()


def test_files_for_transformers_run_no_code(tmp_path: Path, load: Load, tally: Tally) -> None:
    if load.is_quick:
        pytest.skip("transformers takes seconds to import; run_faults.py tries them")
    for name in load.choose(list(CONVERTED), 0, "converted"):
        folder = good_folder(tmp_path)
        CONVERTED[name](folder)
        problem = find_problem(name, folder)
        if [path.name for path in folder.parent.iterdir()] != ["t"]:
            problem = f"{name}: files outside of the folder"
        tally.add("files for transformers", "made to harm", problem)
    tally.check()


def good_folder(tmp_path: Path) -> Path:
    """A new folder to be damaged, alone in another."""
    home = tmp_path / f"{len(list(tmp_path.iterdir()))}"
    home.mkdir()
    write_good(home / "t")
    return home / "t"


def find_problem(name: str, folder: Path) -> str | None:
    try:
        try_folder(name, folder)
    except Exception as error:
        return f"{name}: {type(error).__name__}: {error}"
    return None


def test_the_good_folder_is_good(tmp_path: Path) -> None:
    write_good(tmp_path / "t")
    assert load_tokenizer(str(tmp_path / "t")).eos_id == 3
