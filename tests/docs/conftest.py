"""A page of a test, walked through in an empty folder without a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.doc_pages.surroundings import Surroundings
from support.doc_pages.walk import Mismatch, walk

WalkThrough = Callable[[str], list[Mismatch]]


@pytest.fixture
def walk_through(tmp_path: Path) -> WalkThrough:
    """Walks through the text of a page; its files are in `page`."""
    names = ("page", "home", "temporary", "logs")
    around = Surroundings(*(tmp_path / name for name in names))
    return lambda text: walk("page.md", text, around)
