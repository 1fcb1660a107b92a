"""Files: a write is seen whole or not at all, and a damaged or replaced file is noticed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import xxhash

from sftdata.base.files import (
    exists,
    is_intact,
    is_temporary,
    replacing,
    stamp,
    write_atomically,
    write_output,
)


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
    assert [*Path().iterdir()] == [Path("a")]


def test_a_write_removes_what_a_killed_one_left_and_nothing_else() -> None:
    for name in (".a.123", ".a.swp", ".b.123", "a.123"):
        Path(name).touch()
    with replacing(Path("a")) as running:  # another write to the same file does not disturb it
        write_atomically(Path("a"), b"first")
        running.write(b"second")
    assert Path("a").read_bytes() == b"second"
    assert sorted(path.name for path in Path().iterdir()) == [".a.swp", ".b.123", "a", "a.123"]


def test_a_replaced_file_keeps_its_permissions() -> None:
    Path("a").touch(0o600)
    write_atomically(Path("a"), b"new")
    assert stat.S_IMODE(Path("a").stat().st_mode) == 0o600


def test_an_error_names_the_file_and_not_the_temporary_one() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(Path("nowhere/a"), b"")
    assert caught.value.filename == "nowhere/a"


def test_output_goes_through_a_link_and_into_a_pipe() -> None:
    Path("folder").mkdir()
    Path("link").symlink_to("folder/page")
    write_output(Path("link"), b"page")
    assert Path("link").is_symlink()
    assert Path("folder/page").read_bytes() == b"page"
    os.mkfifo("pipe")
    reading = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_output(Path("pipe"), b"page")
    assert os.read(reading, 9) == b"page"
    os.close(reading)


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


def test_a_new_output_is_there_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        write_output(Path("page"), b"page")
    assert [*Path().iterdir()] == []


def test_an_interrupt_while_the_temporary_file_is_opened_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fcntl.flock", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(Path("a.txt"), b"new")
    assert list(Path().iterdir()) == []


def test_a_temporary_file_is_a_dot_a_name_and_a_number() -> None:
    names = [".a.1", ".a.b.77", ".a", ".a.x1", "a.1", ".a.1x"]
    assert [name for name in names if is_temporary(Path(name))] == [".a.1", ".a.b.77"]


def test_a_name_that_no_file_can_have_does_not_exist() -> None:
    Path("a").touch()
    assert [exists(Path(name)) for name in ("a", "b", "a" * 3000, "a\0")] == [True, *[False] * 3]
