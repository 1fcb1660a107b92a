"""Files: a write is seen whole or not at all, and a damaged or replaced file is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
import xxhash

from sftdata.base.files import is_intact, stamp, write_atomically


def test_a_write_replaces_the_file_and_leaves_no_other() -> None:
    path = Path("a")
    path.write_bytes(b"old and longer")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [*Path().iterdir()] == [path]


def test_the_old_file_stays_where_the_new_one_cannot_be_put_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no space left")

    Path("a").write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        write_atomically(Path("a"), b"new")
    assert Path("a").read_bytes() == b"old"


def test_another_file_with_the_same_bytes_has_another_stamp() -> None:
    Path("a").write_bytes(b"same")
    before = stamp(Path("a"))
    assert stamp(Path("a")) == before
    Path("b").write_bytes(b"same")
    Path("b").replace("a")
    assert stamp(Path("a")) != before


@pytest.mark.parametrize(
    ("data", "is_whole"),
    [
        (b"bytes", True),
        (b"bytes and more", True),
        (b"byte", False),
        (b"bytEs", False),
        (b"", False),
    ],
)
def test_the_first_bytes_of_a_file_are_checked(data: bytes, is_whole: bool) -> None:
    Path("a").write_bytes(data)
    assert is_intact(Path("a"), 5, xxhash.xxh3_128_hexdigest(b"bytes")) is is_whole


def test_a_folder_or_a_missing_file_is_not_intact() -> None:
    digest = xxhash.xxh3_128_hexdigest(b"")
    assert not is_intact(Path(), 0, digest)
    assert not is_intact(Path("nope"), 0, digest)
