"""A new folder appears when all its files are there; an error leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.base.new_folder import new_folder
from sftdata.errors import SftdataError


def names() -> list[str]:
    return sorted(path.as_posix() for path in Path().rglob("*"))


def test_the_folder_appears_at_the_end() -> None:
    with new_folder(Path("a/out")) as folder:
        (folder / "sub").mkdir()
        (folder / "sub/file").write_text("x")
        assert not Path("a/out").exists()
    assert names() == ["a", "a/out", "a/out/sub", "a/out/sub/file"]


def test_an_empty_folder_is_replaced_and_keeps_its_permissions() -> None:
    Path("out").mkdir(0o700)
    with new_folder(Path("out")) as folder:
        (folder / "file").touch()
    assert names() == ["out", "out/file"]
    assert Path("out").stat().st_mode & 0o777 == 0o700


def test_an_error_leaves_nothing() -> None:
    def fill(folder: Path) -> None:
        (folder / "file").touch()
        raise OSError(28, "No space left on device", str(folder / "file"))

    with pytest.raises(OSError, match="'a/b/out/file'"), new_folder(Path("a/b/out")) as folder:
        fill(folder)
    assert names() == []


def test_the_next_call_removes_what_a_killed_one_left() -> None:
    Path(".out.sftdata-unfinished/sub").mkdir(parents=True)
    Path(".out.sftdata-unfinished/file").touch()
    with new_folder(Path("out")) as folder:
        (folder / "new").touch()
    assert names() == ["out", "out/new"]


def test_two_at_once_do_not_mix() -> None:
    with new_folder(Path("out")) as folder:
        (folder / "file").touch()
        with pytest.raises(SftdataError, match="Another process writes"), new_folder(Path("out")):
            raise AssertionError
    assert names() == ["out", "out/file"]


def test_the_working_directory_cannot_be_replaced() -> None:
    with pytest.raises(SftdataError, match="--out NAME"), new_folder(Path()):
        raise AssertionError


def test_a_link_to_an_empty_folder_is_followed() -> None:
    Path("real").mkdir()
    Path("out").symlink_to("real")
    with new_folder(Path("out")) as folder:
        (folder / "file").touch()
    assert names() == ["out", "real", "real/file"]
