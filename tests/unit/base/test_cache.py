"""What is remembered of files, and when it is not believed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from sftdata.base import cache as remembered
from sftdata.base.cache import digest_of, remember_digest, remember_files, untouched
from sftdata.base.files import stamp
from sftdata.reading.sources import resolve_sources

PATH = Path("rows.jsonl")


@pytest.fixture(autouse=True)
def _remember_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(remembered, "_WORTH_REMEMBERING", 0)
    monkeypatch.setattr(remembered, "_SETTLED_SECONDS", 0.0)


def sha256() -> str:
    (source,) = resolve_sources([str(PATH)])
    return source.sha256


def test_a_digest_is_not_made_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    PATH.write_bytes(b"one")
    assert sha256() == hashlib.sha256(b"one").hexdigest()
    monkeypatch.setattr(hashlib, "sha256", None)
    assert sha256()


def test_another_text_of_the_same_size_and_time_has_another_digest() -> None:
    PATH.write_bytes(b"one")
    status = PATH.stat()
    sha256()
    PATH.write_bytes(b"two")
    os.utime(PATH, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert sha256() == hashlib.sha256(b"two").hexdigest()


def test_another_file_in_its_place_has_another_digest() -> None:
    PATH.write_bytes(b"one")
    status = PATH.stat()
    sha256()
    Path("other").write_bytes(b"two")
    os.utime("other", ns=(status.st_atime_ns, status.st_mtime_ns))
    Path("other").replace(PATH)
    assert sha256() == hashlib.sha256(b"two").hexdigest()


def test_a_file_that_was_just_changed_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be changed again within what the file system takes for the same time."""
    monkeypatch.setattr(remembered, "_SETTLED_SECONDS", 60.0)
    PATH.write_bytes(b"one")
    remember_digest([PATH], [stamp(PATH)], "digest")
    assert digest_of([PATH], [stamp(PATH)]) is None


def test_small_files_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_WORTH_REMEMBERING", 4)
    PATH.write_bytes(b"one")
    remember_digest([PATH], [stamp(PATH)], "digest")
    assert digest_of([PATH], [stamp(PATH)]) is None
    PATH.write_bytes(b"four")
    remember_digest([PATH], [stamp(PATH)], "digest")
    assert digest_of([PATH], [stamp(PATH)]) == "digest"


def test_files_of_a_set_are_untouched_until_they_are_touched() -> None:
    for name in ("a", "b", "c"):
        Path(name).write_text(name)
    remember_files(Path(), ["a", "b", "c"])
    assert untouched(Path()) == {"a", "b", "c"}
    Path("a").write_text("a")
    Path("b").unlink()
    assert untouched(Path()) == {"c"}


def test_a_copy_of_a_set_is_not_taken_for_it() -> None:
    for folder in ("set", "copy"):
        Path(folder).mkdir()
        Path(folder, "a").write_text("a")
    remember_files(Path("set"), ["a"])
    assert untouched(Path("copy")) == frozenset()


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"a": 1}', b'{"a": [1, 2]}'])
def test_what_cannot_be_read_is_not_believed(content: bytes) -> None:
    Path("a").write_text("a")
    remember_files(Path(), ["a"])
    for path in Path("cache").rglob("*"):
        if path.is_file():
            path.write_bytes(content)
    assert untouched(Path()) == frozenset()
    assert digest_of([Path("a")], [stamp(Path("a"))]) is None


def test_where_nothing_can_be_kept_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", "file")
    PATH.write_bytes(b"one")
    assert sha256() == sha256() == hashlib.sha256(b"one").hexdigest()
    remember_files(Path(), [str(PATH)])
    assert untouched(Path()) == frozenset()
