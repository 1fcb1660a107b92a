"""The cache's cap: what is longest unused makes room; leftovers of killed processes go."""

from __future__ import annotations

import io
import os
import re
import time
from pathlib import Path

import pytest

import sftdata
from sftdata.base import cache
from sftdata.base.cache import read_content, write_content
from sftdata.base.cache_folder import ANSWERS, BUILDS, COPIES, DATASETS, KINDS, cache_folder
from sftdata.base.cache_size import cache_cap, clear_cache, list_entries, trim_cache
from sftdata.errors import SftdataError
from sftdata.reading.sources.fetched_copies import find_copy, store_copy


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "trim_once", lambda: None)


def age(path: Path, days: int) -> None:
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


def names() -> list[str]:
    return [entry.path.name for entry in list_entries()]


def test_the_longest_unused_entries_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    for days, name in ((1, "new"), (9, "old"), (5, "older")):
        write_content("plain", name, bytes(1000 - 16))
        age(cache_folder() / "plain" / name, days)
    write_content("plain", "used now", bytes(5000))
    assert names() == ["old", "older", "new", "used now"]
    monkeypatch.setenv("SFTDATA_CACHE_GB", "0.000007")
    trim_cache()
    assert names() == ["new", "used now"]
    monkeypatch.setenv("SFTDATA_CACHE_GB", "0")
    trim_cache()
    assert names() == ["used now"]  # a running build may need it


def test_an_entry_that_is_read_counts_as_used() -> None:
    write_content("plain", "a", b"1")
    write_content("plain", "b", b"2")
    age(cache_folder() / "plain" / "a", 9)
    age(cache_folder() / "plain" / "b", 5)
    assert read_content("plain", "a") == b"1"
    assert names() == ["b", "a"]


def test_a_copy_of_a_fetched_file_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    path = store_copy("https://host/a.jsonl", io.BytesIO(b"rows"), None)
    (entry,) = list_entries()
    assert entry.kind == "addresses"
    age(path, 9)
    age(path.parents[1] / "copy.json", 9)
    assert find_copy("https://host/a.jsonl") is not None  # it is used
    monkeypatch.setenv("SFTDATA_CACHE_GB", "0")
    trim_cache()
    assert path.exists()
    age(path.parents[1] / "copy.json", 9)
    trim_cache()
    assert not path.parents[1].exists()


def test_what_a_killed_process_left_is_removed() -> None:
    write_content("plain", "a", b"1")
    left = cache_folder() / "plain" / ".b.4711"
    left.write_bytes(b"half")
    trim_cache()
    assert names() == ["a"]


def test_the_cache_is_cleared() -> None:
    write_content("plain", "a", b"1")
    assert clear_cache() == 17
    assert clear_cache() == 0
    assert read_content("plain", "a") is None


def test_files_of_others_in_the_folder_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME may be the folder of a checkout of sftdata."""
    write_content("plain", "a", b"1")
    code = cache_folder() / "docs" / "index.md"
    code.parent.mkdir()
    code.write_text("mine")
    age(code, 99)
    monkeypatch.setenv("SFTDATA_CACHE_GB", "0")
    trim_cache()
    assert clear_cache() == 17
    assert code.read_text() == "mine"


def test_each_kind_of_entry_is_counted() -> None:
    """An entry of a kind that is missing in `KINDS` would never be removed."""
    code = "".join(path.read_text() for path in Path(sftdata.__file__).parent.rglob("*.py"))
    used = re.findall(r'(?:(?:read|write)_(?:facts|content)|_entry)\("(\w+)"', code)
    assert {*used, COPIES, DATASETS, BUILDS, ANSWERS} == KINDS


@pytest.mark.parametrize("text", ["2 GB", "-1", "inf", ""])
def test_a_cap_that_is_no_number_is_an_error(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTDATA_CACHE_GB", text)
    with pytest.raises(SftdataError, match="SFTDATA_CACHE_GB is"):
        cache_cap()
