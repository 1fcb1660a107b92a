"""The directory of a dataset: whole or not, tidied, locked."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest
from support.forty_rows import build_rows, rows, write_spec
from support.manifests import shard_paths

from sftdata.base.files import sha256_of
from sftdata.errors import SftdataError
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
    shard = shard_paths(manifest)[0]
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


def test_a_commit_records_ledger_and_shots_with_their_digests(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer, "shots = [1]\n")
    manifest = build_rows(rows()).manifest
    build = manifest["build"]
    names = [f"ledger/{build}.arrow", f"shots/{build}.arrow"]
    assert manifest["files"] == {
        name: {
            "bytes": (manifest.directory / name).stat().st_size,
            "sha256": sha256_of(manifest.directory / name),
        }
        for name in names
    }
    # The next build finds the folder of the pools there.
    again = build_rows(rows(41)).manifest
    assert [path.stem for path in (again.directory / "shots").iterdir()] == [again["build"]]


def test_the_manifest_comes_last_and_all_that_it_names_is_on_disk_by_then(
    byte_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def note(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        order.append(str(path.relative_to(Path.cwd())))

    monkeypatch.setattr(os, "fsync", note)
    write_spec(byte_tokenizer, "shots = [1]\n")
    manifest = build_rows(rows()).manifest
    build = manifest["build"]
    at = next(at for at, name in enumerate(order) if name.startswith("out/.manifest.json."))
    before = {*order[:at]}
    assert {f"out/ledger/{build}.arrow", f"out/shots/{build}.arrow"} <= before
    assert {"out/shots", "out/shards", "out/ledger"} <= before
    # Shards are flushed in the folder of the unfinished build.
    assert {path.name for path in shard_paths(manifest)} <= {Path(name).name for name in before}
    assert order[at + 1] == "out"


def test_a_card_that_is_not_ours_stays_and_the_plots_are_restored(
    manifest: Manifest, byte_tokenizer: Path
) -> None:
    card, said = manifest.directory / "README.md", []
    card.write_text("Mine.")
    plots = sorted((manifest.directory / "plots").iterdir())
    whole = [plot.read_bytes() for plot in plots]
    plots[0].write_bytes(b"")
    plots[-1].unlink()
    tidy(manifest, write_spec(byte_tokenizer), said.append)
    assert card.read_text() == "Mine."
    assert said == [f"{card} is not a dataset card of sftdata, so it stays as it is."]
    assert [plot.read_bytes() for plot in plots] == whole


def test_the_lock_file_says_whose_it_is_and_lets_the_next_build_in(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    for _ in range(2):
        with lock(out, pytest.fail):
            text = (out / ".lock").read_text()
            assert text.startswith("The lock of an sftdata build.")
            assert f"process {os.getpid()} on " in text
            assert text.count("\n") == 2
    assert [path.name for path in out.iterdir()] == [".lock"]


def test_a_lock_file_that_is_removed_while_a_build_waits_is_made_anew(tmp_path: Path) -> None:
    entered, said = threading.Event(), []

    def second() -> None:
        with lock(tmp_path, said.append):
            assert (tmp_path / ".lock").is_file()
            entered.set()

    with lock(tmp_path, pytest.fail):
        thread = threading.Thread(target=second)
        thread.start()
        while not said:
            thread.join(0.01)
        (tmp_path / ".lock").unlink()
    thread.join(10)
    assert entered.is_set()


def test_a_build_that_fails_before_its_first_block_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with pytest.raises(SftdataError), lock(out, pytest.fail):
        raise SftdataError("no rows")
    assert [*tmp_path.iterdir()] == []
