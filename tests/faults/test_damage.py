"""Damage: bytes that rot, journals that tear, disks that fill up. Never a wrong shard."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xxhash
from support.kills import change_rows, files_of, make_rows, manifest_of, write_rows, write_spec
from support.sized import build_with

from sftdata.inspecting.verify import find_faults
from sftdata.tokenizing import exactness

# Lets no file grow past a size, as a full disk would, and says so with an error and no signal.
WITH_LIMIT = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv[:2] = ["sftdata"]
from sftdata.cli import main
main()
"""


build = build_with(read_bytes=32 << 10, chunk_bytes=2 << 10, batch_rows=64)


@pytest.fixture
def specs(tmp_path: Path, byte_tokenizer: Path) -> tuple[Path, Path]:
    """Two specs; the second one's rows are in part those of the first."""
    rows = make_rows(600, 1, words=12)
    made = []
    for name, golden in (("old", rows), ("new", change_rows(rows, 2, words=12))):
        data = write_rows(tmp_path / f"{name}.jsonl", golden)
        made.append(write_spec(tmp_path / f"{name}.toml", data, tokenizer=str(byte_tokenizer)))
    return made[0], made[1]


@pytest.fixture
def fresh(specs: tuple[Path, Path], tmp_path: Path) -> dict[str, str]:
    """The files of the second dataset, built over nothing."""
    build(spec=specs[1], out=tmp_path / "fresh")
    return files_of(tmp_path / "fresh")


def flip_bit(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def test_an_undamaged_data_set_is_reused(
    specs: tuple[Path, Path], fresh: dict[str, str], tmp_path: Path
) -> None:
    build(spec=specs[0], out=tmp_path / "out")
    assert build(spec=specs[1], out=tmp_path / "out").reused_rows > 150
    assert files_of(tmp_path / "out") == fresh


@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_bit_in_a_shard_never_reaches_the_next_build(
    seed: int, specs: tuple[Path, Path], fresh: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build(spec=specs[0], out=out)
    flip_bit(next(out.glob("shards/*/train-*")), random.Random(seed))
    assert find_faults(out)
    build(spec=specs[1], out=out)
    assert find_faults(out, deep=True) == []
    assert files_of(out) == fresh


def test_building_a_damaged_data_set_again_makes_it_whole(
    specs: tuple[Path, Path], fresh: dict[str, str], tmp_path: Path
) -> None:
    """It is what `verify` tells to do about a fault."""
    out = tmp_path / "out"
    build(spec=specs[1], out=out)
    flip_bit(next(out.glob("shards/*/train-*")), random.Random(1))
    assert find_faults(out)
    build(spec=specs[1], out=out)
    assert find_faults(out) == []
    assert files_of(out) == fresh


def test_what_an_engine_has_made_counts_when_it_has_passed_its_checks(
    specs: tuple[Path, Path], fresh: dict[str, str], tmp_path: Path
) -> None:
    """A build may be killed before they are done, and the next one need not load an engine."""
    for was_checked in (True, False):
        out = tmp_path / f"out-{was_checked}"
        build(spec=specs[1], out=out)
        (out / "manifest.json").unlink()  # as if it had been killed before
        journal = next(out.glob("shards/*/journal.jsonl"))
        lines = journal.read_bytes().splitlines(keepends=True)
        passed = [line for line in lines if b'"engine_is_checked":true' in line]
        assert len(passed) == 1
        if not was_checked:
            noted = b'{"engine_is_checked":false}'
            noted = xxhash.xxh3_64_hexdigest(noted).encode() + b" " + noted + b"\n"
            journal.write_bytes(b"".join(lines).replace(passed[0], noted))
        assert (build(spec=specs[1], out=out).reused_rows > 0) == was_checked
        assert files_of(out) == fresh


def test_an_engine_that_passes_its_checks_last_of_all_has_passed_them(
    specs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    check = exactness.first_difference

    def check_late(*arguments: Any) -> str | None:
        time.sleep(1)  # the rows are made and written long before
        return check(*arguments)

    monkeypatch.setattr(exactness, "first_difference", check_late)
    build(spec=specs[1], out=out)
    (out / "manifest.json").unlink()  # as if it had been killed right before
    assert build(spec=specs[1], out=out).reused_rows > 500


@pytest.mark.parametrize("kind", ["shards", "ledger"])
def test_building_again_puts_a_lost_file_back(
    kind: str, specs: tuple[Path, Path], fresh: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build(spec=specs[1], out=out)
    next(out.glob(f"{kind}/**/*.arrow")).unlink()
    build(spec=specs[1], out=out)
    assert find_faults(out) == []
    assert files_of(out) == fresh


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_in_the_journal_never_changes_the_next_build(
    seed: int, specs: tuple[Path, Path], fresh: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build(spec=specs[0], out=out)
    flip_bit(next(out.glob("shards/*/journal.jsonl")), random.Random(seed))
    build(spec=specs[1], out=out)
    assert files_of(out) == fresh


def test_a_count_that_was_changed_in_the_journal_is_not_believed(
    specs: tuple[Path, Path], fresh: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build(spec=specs[0], out=out)
    journal = next(out.glob("shards/*/journal.jsonl"))
    lines = journal.read_text().splitlines(keepends=True)
    at, line = next((i, x) for i, x in enumerate(lines) if '"keys":"' in x)
    head, _, tail = line.partition('"rows":[[')
    count, _, rest = tail.partition(",")
    lines[at] = f'{head}"rows":[[{int(count) ^ 1},{rest}'
    journal.write_text("".join(lines))
    build(spec=specs[1], out=out)
    assert files_of(out) == fresh


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"\xff\xfe" + data,
        lambda data: b"1\n[]\nnull\n{}\n" + data,
        lambda data: b'{"keys":"x","rows":[[1]]}\n{"split":"train","written":[1]}\n' + data,
        lambda data: b"[" * 100_000 + b"\n" + data,
        lambda data: data.replace(b"train-00000.arrow", b"../../../etc/pass"),
        lambda data: bytes(len(data)),
        lambda data: b"".join(x for x in data.splitlines(True) if b'"written"' not in x),
    ],
    ids=[
        "empty", "torn", "no last newline", "not UTF-8", "other JSON", "fields missing",
        "deep", "other file", "zeros", "shards not noted as written",
    ],
)  # fmt: skip
def test_a_damaged_journal_costs_time_and_nothing_else(
    damage: Callable[[bytes], bytes],
    specs: tuple[Path, Path],
    fresh: dict[str, str],
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    build(spec=specs[0], out=out)
    journal = next(out.glob("shards/*/journal.jsonl"))
    journal.write_bytes(damage(journal.read_bytes()))
    build(spec=specs[1], out=out)
    assert files_of(out) == fresh


def test_a_lost_journal_costs_time_and_nothing_else(
    specs: tuple[Path, Path], fresh: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build(spec=specs[0], out=out)
    next(out.glob("shards/*/journal.jsonl")).unlink()
    assert build(spec=specs[1], out=out).reused_rows == 0
    assert files_of(out) == fresh


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"version": 1}', "null", '{"version": "1"}']
)
def test_a_damaged_manifest_is_replaced(
    text: str, specs: tuple[Path, Path], fresh: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build(spec=specs[0], out=out)
    (out / "manifest.json").write_text(text)
    build(spec=specs[1], out=out)
    assert files_of(out) == fresh


def run_with_limit(limit: int, *args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITH_LIMIT, str(limit), *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("limit", [100, 5_000, 300_000])
def test_a_full_disk_is_one_clear_error_and_the_old_data_set_stands(
    limit: int, specs: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build(spec=specs[0], out=out)
    before: Any = manifest_of(out)
    result = run_with_limit(limit, "build", "--spec", specs[1], "--out", out)
    assert manifest_of(out) == before
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr
    assert "File too large" in result.stderr
    assert str(out) in result.stderr
    subprocess.run(
        [sys.executable, "-m", "sftdata", "build", "--spec", specs[1], "--out", out],
        check=True,
        capture_output=True,
    )
    assert find_faults(out) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_one_clear_error(
    specs: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o555)
    result = run_with_limit(1 << 30, "build", "--spec", specs[0], "--out", out)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "Permission denied" in result.stderr


def test_an_out_that_is_a_file_is_one_clear_error(specs: tuple[Path, Path], tmp_path: Path) -> None:
    parent = tmp_path / "file"
    parent.write_text("")
    result = run_with_limit(1 << 30, "build", "--spec", specs[0], "--out", parent / "out")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert str(parent) in result.stderr
