"""The folder of a build: it appears when it is complete, and a killed one is kept aside."""

from __future__ import annotations

from pathlib import Path

from support.forty_rows import build, build_rows, rows, write_spec

from sftdata.writing.build_folder import UNFINISHED, set_aside


def inodes(folder: str) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in Path(folder).glob("shards/*/*.arrow")}


def test_a_folder_is_set_aside_under_the_next_number(tmp_path: Path) -> None:
    for _ in range(3):
        (tmp_path / UNFINISHED).mkdir()
        set_aside(tmp_path / UNFINISHED)
    set_aside(tmp_path / UNFINISHED)  # nothing to do
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["unfinished.0", "unfinished.1", "unfinished.2"]


def test_a_finished_build_is_the_only_folder(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer)
    manifest = build_rows(rows()).manifest
    assert [path.name for path in Path("out/shards").iterdir()] == [manifest["build"]]


def test_shards_that_a_change_does_not_touch_are_linked(byte_tokenizer: Path) -> None:
    # Without rows, the splits validation and test are not affected by a new train row.
    write_spec(byte_tokenizer)
    build_rows(rows())
    before = inodes("out")
    build(spec="spec.toml", out="out", max_dropped=50)  # another build with the same rows
    assert inodes("out") == before
