"""Files of a dataset: each is checked by the digest that the manifest records for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.forty_rows import build_rows, rows, write_spec
from support.manifests import shard_paths

from sftdata.errors import VerificationError
from sftdata.writing.dataset_files import find_fault, is_whole, list_files
from sftdata.writing.manifest import Manifest, ledger_path, pool_path
from sftdata.writing.table_file import read_table


@pytest.fixture
def manifest(byte_tokenizer: Path) -> Manifest:
    write_spec(byte_tokenizer, "shots = [1]\n")
    return build_rows(rows()).manifest


def paths_of(manifest: Manifest) -> list[Path]:
    return [manifest.directory / name for name in list_files(manifest)]


def test_ledger_shots_and_shards_are_recorded(manifest: Manifest) -> None:
    build = manifest["build"]
    shards = [path.relative_to(manifest.directory).as_posix() for path in shard_paths(manifest)]
    assert list(list_files(manifest)) == [*shards, ledger_path(build), pool_path(build)]
    assert is_whole(manifest)


def test_a_changed_or_missing_file_is_named(manifest: Manifest) -> None:
    for name, entry in list_files(manifest).items():
        path = manifest.directory / name
        data = path.read_bytes()
        for is_quick in (False, True):
            assert find_fault(manifest, name, entry, is_quick=is_quick) is None
            path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
            fault = find_fault(manifest, name, entry, is_quick=is_quick)
            assert fault == f"{path}: not the content of the build (the digest differs)"
            assert not is_whole(manifest)
            path.write_bytes(data)
        path.unlink()
        assert find_fault(manifest, name, entry) == f"{path}: the file is missing"
        assert not is_whole(manifest)
        path.write_bytes(data)


def test_a_link_that_leads_out_is_refused_though_its_content_is_right(manifest: Manifest) -> None:
    for name, entry in list_files(manifest).items():
        path = manifest.directory / name
        shutil.move(path, "elsewhere.arrow")
        path.symlink_to(Path("elsewhere.arrow").absolute())
        fault = find_fault(manifest, name, entry)
        assert fault == f"{path}: a link to a file outside of the dataset"
        path.unlink()
        shutil.move("elsewhere.arrow", path)


def test_a_damaged_table_is_not_parsed(manifest: Manifest) -> None:
    name = pool_path(manifest["build"])
    assert read_table(manifest, name).num_rows > 10
    path = manifest.directory / name
    data = path.read_bytes()
    for at in range(0, len(data), 101):
        path.write_bytes(data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :])
        with pytest.raises(VerificationError, match="digest differs"):
            read_table(manifest, name)
    path.unlink()
    with pytest.raises(VerificationError, match=r"the file is missing(?s:.*)Build"):
        read_table(manifest, name)


@pytest.mark.parametrize("lines", [slice(0, -1), slice(1, None), slice(0, 0)])
def test_a_journal_that_lacks_lines_is_not_that_of_the_build(
    lines: slice, manifest: Manifest
) -> None:
    (journal,) = manifest.directory.glob("shards/*/journal.jsonl")
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[lines]))
    assert not is_whole(manifest)
