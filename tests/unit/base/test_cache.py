"""The cache of file digests and stamps, and when an entry does not count."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sftdata.base import cache
from sftdata.base.cache import (
    read_content,
    read_digest,
    read_facts,
    record_files,
    unchanged_files,
    write_content,
    write_digest,
    write_facts,
)
from sftdata.base.files import stamp
from sftdata.reading.sources.resolve import resolve_sources

PATH = Path("rows.jsonl")


@pytest.fixture(autouse=True)
def _cache_small_and_new_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_MIN_BYTES", 0)
    monkeypatch.setattr(cache, "_SETTLED_SECONDS", 0.0)


def sha256() -> str:
    (source,) = resolve_sources([str(PATH)])
    return source.sha256


def test_an_unchanged_file_is_not_digested_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    PATH.write_bytes(b'{"a": 1}')
    assert sha256() == hashlib.sha256(b'{"a": 1}').hexdigest()
    monkeypatch.setattr(hashlib, "sha256", None)
    assert sha256()


def test_another_text_of_the_same_size_and_mtime_is_digested() -> None:
    PATH.write_bytes(b'{"a": 1}')
    status = PATH.stat()
    sha256()
    PATH.write_bytes(b'{"a": 2}')
    os.utime(PATH, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert sha256() == hashlib.sha256(b'{"a": 2}').hexdigest()


def test_another_file_in_its_place_is_digested() -> None:
    PATH.write_bytes(b'{"a": 1}')
    status = PATH.stat()
    sha256()
    Path("other").write_bytes(b'{"a": 2}')
    os.utime("other", ns=(status.st_atime_ns, status.st_mtime_ns))
    Path("other").replace(PATH)
    assert sha256() == hashlib.sha256(b'{"a": 2}').hexdigest()


def test_the_digest_of_a_file_that_was_just_changed_is_not_cached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may change again within the same timestamp."""
    monkeypatch.setattr(cache, "_SETTLED_SECONDS", 60.0)
    PATH.write_bytes(b'{"a": 1}')
    write_digest([PATH], [stamp(PATH)], "digest")
    assert read_digest([PATH], [stamp(PATH)]) is None


def test_the_digest_of_small_files_is_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MIN_BYTES", 9)
    PATH.write_bytes(b'{"a": 1}')
    write_digest([PATH], [stamp(PATH)], "digest")
    assert read_digest([PATH], [stamp(PATH)]) is None
    PATH.write_bytes(b'{"a": 44}')
    write_digest([PATH], [stamp(PATH)], "digest")
    assert read_digest([PATH], [stamp(PATH)]) == "digest"


def test_files_of_a_dataset_are_unchanged_until_somebody_writes_them() -> None:
    for name in ("a", "b", "c"):
        Path(name).write_text(name)
    record_files(Path(), ["a", "b", "c"])
    assert unchanged_files(Path()) == {"a", "b", "c"}
    Path("a").write_text("a")
    Path("b").unlink()
    assert unchanged_files(Path()) == {"c"}


def test_a_copy_of_a_dataset_has_no_entry() -> None:
    for folder in ("set", "copy"):
        Path(folder).mkdir()
        Path(folder, "a").write_text("a")
    record_files(Path("set"), ["a"])
    assert unchanged_files(Path("copy")) == frozenset()


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"a": 1}', b'{"a": [1, 2]}'])
def test_a_damaged_entry_does_not_count(content: bytes) -> None:
    Path("a").write_text("a")
    record_files(Path(), ["a"])
    for path in Path("cache").rglob("*"):
        if path.is_file():
            path.write_bytes(content)
    assert unchanged_files(Path()) == frozenset()
    assert read_digest([Path("a")], [stamp(Path("a"))]) is None


def test_a_cache_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", "file")
    PATH.write_bytes(b'{"a": 1}')
    assert sha256() == sha256() == hashlib.sha256(b'{"a": 1}').hexdigest()
    record_files(Path(), [str(PATH)])
    assert unchanged_files(Path()) == frozenset()


def test_facts_and_content_come_back_by_kind_and_digest() -> None:
    assert (read_facts("kind", "d"), read_content("kind", "c")) == ({}, None)
    write_facts("kind", "d", {"a": [1]})
    write_content("kind", "c", b"bytes")
    assert (read_facts("kind", "d"), read_content("kind", "c")) == ({"a": [1]}, b"bytes")
    assert read_facts("other", "d") == {}


@pytest.mark.parametrize("damage", [slice(0), slice(-1), slice(1, None)])
def test_damaged_content_does_not_count(damage: slice) -> None:
    write_content("kind", "c", b"bytes")
    path = cache.cache_folder() / "kind" / "c"
    path.write_bytes(path.read_bytes()[damage])
    assert read_content("kind", "c") is None


@pytest.mark.parametrize(
    "place",
    [
        os.mkfifo,
        Path.mkdir,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path),
        lambda path: path.touch() or os.truncate(path, 2**40),
    ],
    ids=["pipe", "folder", "device", "loop of links", "a terabyte of zeros"],
)
def test_anything_else_in_the_place_of_an_entry_does_not_count(
    place: Callable[[Path], object],
) -> None:
    write_content("kind", "c", b"bytes")
    path = cache.cache_folder() / "kind" / "c"
    path.unlink()
    place(path)
    assert read_content("kind", "c") is None


def test_an_entry_in_the_place_of_another_does_not_count() -> None:
    write_facts("kind", "one", {"eos_id": 1})
    write_facts("kind", "two", {"eos_id": 2})
    one, two = (cache.cache_folder() / "kind" / name for name in ("one", "two"))
    two.write_bytes(one.read_bytes())
    assert read_facts("kind", "two") == {}
    assert read_facts("kind", "one") == {"eos_id": 1}


def test_without_the_cache_no_entry_is_read() -> None:
    write_content("kind", "name", b"content")
    with cache.without_cache():
        assert read_content("kind", "name") is None
    assert read_content("kind", "name") == b"content"
