"""Every command and every Python block of the documentation does what the page says.

`SFTDATA_UPDATE_DOCS=1 pytest tests/docs -k NAME` writes the printed outputs into the page.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.doc_pages.blocks import PageError
from support.doc_pages.model import make_model
from support.doc_pages.rewriting import rewrite
from support.doc_pages.surroundings import Surroundings
from support.doc_pages.walk import report, walk
from support.forked.python import DATA_MODULES, TRAIN_MODULES, ForkingPython, forking_python
from support.places import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "train/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
INSTALLED = {"README.md"}  # runs the installed command; the others a fork, which starts at once


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of all pages; the cache in it saves each page the check of the tokenizer."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "model")


@pytest.fixture(scope="session")
def python(home: Path) -> Iterator[ForkingPython]:
    env = Surroundings(home, home, home, home).env
    with forking_python([*DATA_MODULES, *TRAIN_MODULES], env) as started:
        started.write_command(home / "sftdata")
        yield started


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_says_is_what_happens(
    page: Path, tmp_path: Path, home: Path, model: Path, python: ForkingPython
) -> None:
    around = Surroundings(tmp_path / "page", home, tmp_path / "temporary", tmp_path / "logs")
    if name_of(page) not in INSTALLED:
        around = replace(around, commands=home, python=python.words)
    shutil.copytree(model, around.folder / "model")
    text = page.read_text(encoding="utf-8")
    try:
        mismatches = walk(name_of(page), text, around)
    except PageError as error:
        raise pytest.fail.Exception(f"{name_of(page)}: {error}", pytrace=False) from None
    if os.environ.get("SFTDATA_UPDATE_DOCS"):
        outputs = [found.output for found in mismatches if found.output]
        page.write_text(rewrite(text, outputs), encoding="utf-8")
        mismatches = [found for found in mismatches if not found.output]
    if mismatches:
        pytest.fail(report(name_of(page), mismatches), pytrace=False)
