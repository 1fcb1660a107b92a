"""Folders in object stores, here in the memory of the process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from sftdata.base.stores import PACKAGES, ReplacedError, StoredFolder, is_address, open_store
from sftdata.errors import SftdataError


@pytest.fixture
def folder() -> Iterator[StoredFolder]:
    yield StoredFolder("memory://made/folder/")
    fsspec.filesystem("memory").store.clear()


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("s3://bucket/a", True),
        ("HTTPS://host", True),
        ("C://folder", False),
        ("s3:", False),
        ("data/news", False),
    ],
)
def test_what_is_an_address(place: str, expected: bool) -> None:
    assert is_address(place) is expected


def test_objects_are_written_read_listed_and_removed(folder: StoredFolder) -> None:
    assert folder.list_files() == {}
    assert folder.read("a") is None
    Path("a").write_bytes(b"12345")
    folder.upload(Path("a"), "below/a")
    folder.upload(Path("a"), "b")
    sizes = {name: file.bytes for name, file in folder.list_files().items()}
    assert sizes == {"below/a": 5, "b": 5}
    with folder.open("below/a") as stream:
        assert stream.read(2) == b"12"
    folder.remove("b")
    assert list(folder.list_files()) == ["below/a"]


def test_only_what_was_seen_is_replaced(folder: StoredFolder) -> None:
    folder.replace("a", b"1", None)
    folder.replace("a", b"1", None)  # the same content: an attempt whose answer was lost
    folder.replace("a", b"2", b"1")
    for before in (None, b"1"):
        with pytest.raises(ReplacedError, match="memory://made/folder/a: another process wrote it"):
            folder.replace("a", b"3", before)
    assert folder.read("a") == b"2"


@pytest.mark.parametrize(
    ("address", "said", "code"),
    [
        ("nothing://a/b", "nothing:// is no known kind of address", "E202"),
        ("abfs://a/b", r"needs a package(?s:.*)pip install adlfs", "E104"),
        ("gs://a/b", r"gs:// needs a package(?s:.*)pip install 'sftdata\[gcs\]'", "E104"),
    ],
)
def test_an_address_that_cannot_be_opened_is_one_message(
    address: str, said: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in PACKAGES.values():
        monkeypatch.setitem(sys.modules, package, None)  # not installed
    with pytest.raises(SftdataError, match=said) as caught:
        open_store(address)
    assert caught.value.code == code


def test_a_store_that_refuses_is_one_message() -> None:
    with pytest.raises(SftdataError, match=r"'https://127.0.0.1:1/a/b' cannot be read") as caught:
        StoredFolder("https://127.0.0.1:1/a").read("b")
    assert caught.value.code == "E202"


def test_a_folder_of_this_machine_is_asked_for_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(SftdataError, match="is a folder of this machine") as caught:
        StoredFolder(tmp_path.as_uri()).list_files()
    assert str(tmp_path) in str(caught.value)
    assert not list(tmp_path.iterdir())
