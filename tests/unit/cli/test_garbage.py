"""`sftdata gc` and `sftdata cache`: what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.forty_rows import build_rows, rows, write_spec

from sftdata.base.cache import write_content
from sftdata.base.new_folder import new_folder
from sftdata.cli import cli


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_gc_lists_what_it_removes(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer)
    build_rows(rows())
    assert run("gc", "out") == "out: nothing to remove.\n"
    left = Path("out/ledger/0123456789abcdef.arrow")
    left.write_bytes(bytes(1500))
    line = f"{left}  1.5 kB  another build\n"
    assert run("gc", "out", "--dry-run") == f"{line}Would remove 1 file, 1.5 kB.\n"
    assert left.exists()
    assert json.loads(run("gc", "out", "--json")) == {
        "removed": True,
        "files": [{"path": str(left), "bytes": 1500, "reason": "another build"}],
    }
    assert not left.exists()


def test_gc_finds_what_a_killed_export_left(byte_tokenizer: Path) -> None:
    """For the folder that it was to make, the folder around it, and a dataset of that name."""
    write_spec(byte_tokenizer)
    build_rows(rows())
    for name, given in (("x", "x"), ("x", "."), ("out", "out")):
        left = Path(f".{name}.sftdata-unfinished")
        (left / "sub").mkdir(parents=True)
        (left / "sub/train.parquet").write_bytes(bytes(1500))
        found = json.loads(run("gc", given, "--json"))["files"]
        reason = "an unfinished export or merge"
        assert found == [{"path": str(left), "bytes": 1500, "reason": reason}]
        assert not left.exists()
        assert Path("out/manifest.json").exists()


def test_gc_leaves_the_folder_of_a_running_export(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer)
    build_rows(rows())
    with new_folder(Path("out/x")) as folder:
        (folder / "file").touch()
        assert run("gc", "out") == "out: nothing to remove.\n"
    assert Path("out/x/file").exists()


def test_cache_info_shows_kinds_and_clear_removes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    write_content("plain", "a", bytes(984))
    lines = run("cache", "info").splitlines()
    assert lines == [
        f"{tmp_path}/sftdata",
        "  plain              1        1.0 kB",
        "1 entry, 1.0 kB; the cap is 20.0 GB (SFTDATA_CACHE_GB).",
    ]
    info = json.loads(run("cache", "info", "--json"))
    assert (info["bytes"], info["kinds"]) == (1000, {"plain": {"entries": 1, "bytes": 1000}})
    assert run("cache", "clear") == "Removed 1.0 kB.\n"
