"""A build writes into a folder that is new, empty or ours, and touches no other file in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from support.forty_rows import build_rows, rows, write_rows, write_spec

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.writing.manifest import read_manifest
from sftdata.writing.ownership import check_ownership, is_ours, remove_dataset

FOREIGN = (
    "notes.txt",
    ".DS_Store",
    "shards/.DS_Store",
    "shards/mine/data.arrow",
    "shards/unfinished.txt",
    "ledger/accounts.arrow",
    "ledger/.DS_Store",
    "shots/photo.jpg",
    "plots/mine.svg",
    ".README.md.swp",
    ".manifest.json.bak",
)


def digests(folder: Path) -> dict[str, str]:
    """Of the foreign files in a folder."""
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in FOREIGN
        if (folder / name).is_file()
    }


def add_foreign(folder: Path) -> dict[str, str]:
    for name in FOREIGN:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the user's {name}")
    return digests(folder)


@pytest.fixture(autouse=True)
def _spec(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer)


def test_the_working_directory_of_a_project_is_refused() -> None:
    write_rows(rows())
    Path("README.md").write_text("# My project")
    before = sorted(Path().iterdir())
    with pytest.raises(SftdataError) as caught:
        build(spec="spec.toml", out=".")
    assert str(caught.value) == (
        ". is neither empty nor a dataset of sftdata: it holds 'README.md', 'rows.jsonl', "
        "'spec.toml'.\nChoose a new or empty folder with --out."
    )
    assert sorted(Path().iterdir()) == before
    assert Path("README.md").read_text() == "# My project"


@pytest.mark.parametrize("name", FOREIGN[:1] + FOREIGN[3:4] + FOREIGN[5:6])
def test_a_folder_with_anything_else_is_refused(name: str) -> None:
    (Path("out") / name).parent.mkdir(parents=True)
    (Path("out") / name).write_text("the user's")
    with pytest.raises(SftdataError, match="neither empty nor a dataset"):
        build_rows(rows())
    assert (Path("out") / name).read_text() == "the user's"


def test_a_manifest_of_something_else_is_not_ours() -> None:
    Path("out").mkdir()
    Path("out/manifest.json").write_text('{"name": "a web app", "version": 3}')
    with pytest.raises(SftdataError, match="neither empty nor a dataset"):
        build_rows(rows())


def test_an_empty_folder_may_hold_what_a_file_manager_leaves() -> None:
    Path("out").mkdir()
    Path("out/.DS_Store").write_bytes(b"x")
    assert build_rows(rows()).manifest["rows_out"] == 40


def test_foreign_files_in_a_dataset_survive_and_disturb_nothing() -> None:
    build_rows(rows())
    before = add_foreign(Path("out"))
    golden = rows()
    golden[3]["summary"] = "Edited."
    build_rows(golden)
    assert build_rows(golden).up_to_date
    assert digests(Path("out")) == before


def test_a_card_that_is_not_ours_stays_and_is_named() -> None:
    build_rows(rows())
    Path("out/README.md").write_text("# Mine")
    said: list[str] = []
    build(spec="spec.toml", out="out", max_dropped=50, report=said.append)
    assert Path("out/README.md").read_text() == "# Mine"
    assert said == ["out/README.md is not a dataset card of sftdata, so it stays as it is."]


@pytest.mark.parametrize("name", ["shards", "ledger", ".lock", "README.md", "manifest.json"])
def test_a_link_inside_is_refused_and_not_followed(name: str) -> None:
    build_rows(rows())
    path, elsewhere = Path("out", name), Path("elsewhere")
    if path.is_dir():
        path.rename(elsewhere)
    else:
        path.unlink()
        elsewhere.write_text("the user's")
    path.symlink_to(elsewhere.absolute())
    before = elsewhere.read_text() if elsewhere.is_file() else sorted(elsewhere.rglob("*"))
    with pytest.raises(SftdataError, match="is a symbolic link"):
        build_rows(rows(39))
    assert (
        elsewhere.read_text() if elsewhere.is_file() else sorted(elsewhere.rglob("*"))
    ) == before


def test_a_first_build_that_was_killed_goes_on_in_its_folder() -> None:
    build_rows(rows())
    Path("out/manifest.json").unlink()  # as if it had been killed before its commit
    assert is_ours(Path("out"))
    check_ownership(Path("out"))
    assert build_rows(rows()).reused_rows == 40


def test_a_part_that_left_the_mixture_takes_only_our_files_along() -> None:
    build_rows(rows())
    Path("out/notes.txt").write_text("the user's")
    remove_dataset(Path("out"))
    assert [path.name for path in Path("out").iterdir()] == ["notes.txt"]
    remove_dataset(Path("out"))  # not ours any more
    assert Path("out/notes.txt").read_text() == "the user's"


@pytest.mark.parametrize("folder", ["new/dataset", "there"])
def test_a_first_build_that_fails_leaves_nothing(folder: str, byte_tokenizer: Path) -> None:
    Path("there").mkdir()
    Path("rows.jsonl").write_text('{"article": "a", "summary": "b"}\n{"article": "cut')
    with pytest.raises(SftdataError, match="the line is cut"):
        build("summarize", data="rows.jsonl", tokenizer=byte_tokenizer, out=folder)
    assert not Path("new").exists()
    assert not list(Path("there").iterdir())


def test_a_later_build_that_fails_leaves_the_dataset() -> None:
    before = build_rows(rows()).manifest
    with Path("rows.jsonl").open("a") as file:
        file.write("cut")
    with pytest.raises(SftdataError, match="not JSON"):
        build(spec="spec.toml", out="out")
    assert read_manifest(Path("out")).content == before.content
