"""The directory of a dataset: whole or not, tidied, locked."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest
from support.forty_rows import build_rows, rows, write_spec

from sftdata.writing.dataset_files import is_whole
from sftdata.writing.directory import current_manifest, lock, naming_directory, tidy
from sftdata.writing.manifest import Manifest


@pytest.fixture
def manifest(byte_tokenizer: Path) -> Manifest:
    write_spec(byte_tokenizer)
    return build_rows(rows()).manifest


def test_without_a_dataset_there_is_no_current_manifest(tmp_path: Path) -> None:
    assert current_manifest(tmp_path) is None
    (tmp_path / "manifest.json").write_text("{")
    assert current_manifest(tmp_path) is None


@pytest.mark.parametrize("lost", ["a shard", "a bit", "the ledger"])
def test_a_dataset_with_a_damaged_or_missing_file_is_not_whole(
    manifest: Manifest, lost: str
) -> None:
    assert is_whole(manifest)
    shard = manifest.shard_paths[0]
    if lost == "a shard":
        shard.unlink()
    elif lost == "a bit":
        data = bytearray(shard.read_bytes())
        data[len(data) // 2] ^= 1
        shard.write_bytes(data)
    else:
        next((manifest.directory / "ledger").iterdir()).unlink()
    assert not is_whole(manifest)


def test_tidying_removes_other_builds_and_restores_the_card(
    manifest: Manifest, byte_tokenizer: Path
) -> None:
    card = manifest.directory / "README.md"
    card.unlink()
    (manifest.directory / "shards" / "unfinished.0").mkdir()
    (manifest.directory / "ledger" / "0123456789abcdef.arrow").write_bytes(b"")
    tidy(manifest, write_spec(byte_tokenizer), lambda line: None)
    assert card.is_file()
    assert [p.name for p in (manifest.directory / "shards").iterdir()] == [manifest["build"]]
    assert [p.stem for p in (manifest.directory / "ledger").iterdir()] == [manifest["build"]]


def test_a_second_build_waits_and_says_so(tmp_path: Path) -> None:
    said, order = [], []

    def second() -> None:
        with lock(tmp_path, said.append):
            order.append("second")

    with lock(tmp_path, said.append):
        thread = threading.Thread(target=second)
        thread.start()
        while not said:  # until the second has found the lock taken
            thread.join(0.01)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    (waiting,) = said
    assert waiting.startswith(f"waiting for another build in {tmp_path}: process {os.getpid()} on ")
    assert re.search(r", since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$", waiting)


def test_an_error_without_a_file_name_gets_the_directory(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, naming_directory(tmp_path):
        raise OSError(28, "No space left on device")
    assert caught.value.filename == str(tmp_path)
