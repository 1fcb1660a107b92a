"""The tables of modules in the pages for contributors name each module."""

from __future__ import annotations

import re

import pytest
from support.places import ROOT


@pytest.mark.parametrize(
    ("page", "table", "folder"),
    [
        ("docs/how-a-build-works.md", "| step | modules of `reading/` |", "sftdata/reading"),
        ("train/README.md", "| module of `sftdata_train/` | holds |", "train/sftdata_train"),
    ],
)
def test_a_table_names_each_module(page: str, table: str, folder: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = text[text.index(table) + len(table) :].split("\n\n")[0]
    named = set(re.findall(r"`([a-z_]+)`", rows))
    whole = set(re.findall(r"`([a-z]+)/`(?!:)", rows))  # folders without a list of their modules
    paths = (ROOT / folder).rglob("[a-z]*.py")
    modules = {path.stem for path in paths if path.parent.name not in whole}
    assert modules - named == set()
