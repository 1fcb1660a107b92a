"""Copies of stored datasets; more in `tests/e2e/test_object_stores.py`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from support.forty_rows import build_rows, rows, write_spec

from sftdata.base.stores import StoredFolder
from sftdata.loading.stored import address_of, local_folder
from sftdata.writing.publish import publish

ADDRESS = "memory://made/news"


@pytest.fixture
def stored(byte_tokenizer: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The dataset in a folder, which is also in a store; no copy of it is there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path("cache").absolute()))
    write_spec(byte_tokenizer)
    manifest = build_rows(rows()).manifest
    publish(manifest, StoredFolder(ADDRESS), None, lambda line: None)
    yield manifest.directory
    fsspec.filesystem("memory").store.clear()


def test_a_copy_knows_its_address(stored: Path) -> None:
    copy = local_folder(ADDRESS)
    assert copy.name == "news"
    assert address_of(copy) == ADDRESS
    assert address_of(copy / "parts" / "one") == f"{ADDRESS}/parts/one"
    for other in (stored, copy.parent.parent, copy.parent.with_name("0"), Path("/")):
        assert address_of(other) is None


def test_a_reader_of_a_copy_never_sees_half_an_address(stored: Path) -> None:
    file = local_folder(ADDRESS).parent / "address"
    with file.open() as reader:
        local_folder(ADDRESS)
        assert reader.read() == file.read_text() == ADDRESS
        assert not os.path.samestat(os.fstat(reader.fileno()), file.stat())  # replaced


def test_a_copy_without_shards_is_completed(stored: Path) -> None:
    copy = local_folder(ADDRESS, parts="no shards")
    assert not list(copy.rglob("shards/*/*"))
    assert local_folder(ADDRESS) == copy
    names = {path.name for path in copy.rglob("shards/*/*")}
    assert names == {path.name for path in stored.rglob("shards/*/*")}
