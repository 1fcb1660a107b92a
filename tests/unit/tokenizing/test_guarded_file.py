"""Files of a tokenizer's folder: regular ones that stand in it, or are the user's own links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.few_files import files_left

from sftdata.errors import TokenizerError
from sftdata.tokenizing.guarded_file import read_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "t").mkdir()
    return tmp_path / "t"


def test_a_file_is_read_and_one_that_is_not_there_is_none(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"{}")
    assert read_file(folder, "config.json") == b"{}"
    assert read_file(folder, "other.json") is None


def test_a_machine_that_cannot_read_is_no_fault_of_the_tokenizer(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"{}")
    with files_left(0), pytest.raises(OSError, match="Too many open files"):
        read_file(folder, "config.json")


def test_links_of_a_user_are_followed(folder: Path, tmp_path: Path) -> None:
    """Inside the folder, to a file of the same name, and to the blobs of the Hub's cache."""
    (folder / "real").write_bytes(b"inside")
    (tmp_path / "b.json").write_bytes(b"same name")
    for path in ("hub/blobs", "hub/snapshots/main"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "hub" / "blobs" / "0a1b").write_bytes(b"blob")
    (folder / "a.json").symlink_to("real")
    (folder / "b.json").symlink_to(tmp_path / "b.json")
    (tmp_path / "hub" / "snapshots" / "main" / "c.json").symlink_to("../../blobs/0a1b")
    (folder / "c.json").symlink_to(tmp_path / "hub" / "snapshots" / "main" / "c.json")
    assert [read_file(folder, f"{name}.json") for name in "abc"] == [
        b"inside", b"same name", b"blob",
    ]  # fmt: skip


def test_a_link_to_another_file_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "vocab.txt").symlink_to("../secret")
    with pytest.raises(TokenizerError, match=r"vocab\.txt: a link that leads out of the folder"):
        read_file(folder, "vocab.txt")


def test_only_regular_files_of_a_sensible_size_are_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(TokenizerError, match="not a regular file"):
            read_file(folder, name)
    with (folder / "large").open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    with pytest.raises(TokenizerError, match="larger than 16 MiB"):
        read_file(folder, "large")
