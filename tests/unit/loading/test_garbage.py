"""`gc` removes what no manifest refers to, and nothing that one does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from support.forty_rows import build_rows, rows, write_spec
from support.kills import files_of

from sftdata.errors import SftdataError
from sftdata.inspecting.verify import find_faults
from sftdata.loading.dataset import load
from sftdata.loading.garbage import find_garbage, remove_garbage
from sftdata.loading.packing import plan_packs, write_plan

OUT = Path("out")


@pytest.fixture
def built(byte_tokenizer: Path) -> dict[str, str]:
    """The files of a dataset with a pack plan."""
    write_spec(byte_tokenizer)
    data = load(build_rows(rows()).manifest.directory)
    write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 300))
    return files_of(OUT)


def collect() -> list[str]:
    found = find_garbage(OUT)
    remove_garbage(OUT, found)
    return sorted(f"{garbage.path.relative_to(OUT)}: {garbage.reason}" for garbage in found)


def test_nothing_of_a_dataset_is_garbage(built: dict[str, str]) -> None:
    assert collect() == []
    assert files_of(OUT) == built


def test_what_killed_and_earlier_builds_left_is_removed(built: dict[str, str]) -> None:
    build = load(OUT).manifest["build"]
    (OUT / "shards/unfinished").mkdir()
    (OUT / "shards/unfinished/train-00000.arrow").touch()
    (OUT / "shards/0123456789abcdef.1").mkdir()
    (OUT / "shards/0123456789abcdef.1/journal.jsonl").touch()
    (OUT / f"shards/{build}/train-00099.arrow").touch()
    (OUT / "ledger/0123456789abcdef.arrow").touch()
    (OUT / ".manifest.json.4711").touch()
    (OUT / "packs/.300-train.arrow.4711").touch()
    assert collect() == [
        ".manifest.json.4711: a temporary file",
        "ledger/0123456789abcdef.arrow: another build",
        "packs/.300-train.arrow.4711: a temporary file",
        "shards/0123456789abcdef.1/journal.jsonl: another build",
        f"shards/{build}/train-00099.arrow: another build",
        "shards/unfinished/train-00000.arrow: an unfinished build",
    ]
    assert files_of(OUT) == built
    assert find_faults(OUT) == []


def test_foreign_files_stay(built: dict[str, str]) -> None:
    foreign = [
        "notes.txt", "shards/notes.txt", "shards/mine/train-00000.arrow", "ledger/mine.arrow",
        "packs/mine.txt", ".notes.txt.swp", "parts/mine/manifest.txt",
    ]  # fmt: skip
    for name in foreign:
        (OUT / name).parent.mkdir(exist_ok=True, parents=True)
        (OUT / name).touch()
    (OUT / "ledger/0123456789abcdef.arrow").symlink_to("../notes.txt")
    assert collect() == []
    assert all((OUT / name).exists() for name in foreign)


def test_a_pack_plan_of_another_build_is_removed(built: dict[str, str]) -> None:
    build_rows(rows(30))
    assert collect() == [
        "packs/300-train.arrow.sha256: a pack plan of another build",
        "packs/300-train.arrow: a pack plan of another build",
    ]


def test_a_pack_plan_of_a_build_whose_name_is_not_utf8_is_removed(built: dict[str, str]) -> None:
    plan = next((OUT / "packs").glob("*.arrow"))
    table = pa.ipc.open_file(plan).read_all().replace_schema_metadata({b"build": b"\xff"})
    with pa.ipc.new_file(plan, table.schema) as writer:
        writer.write_table(table)
    assert f"packs/{plan.name}: a pack plan of another build" in collect()


def test_of_a_killed_first_build_all_is_removed(built: dict[str, str]) -> None:
    (OUT / "manifest.json").unlink()
    collect()
    assert not list(OUT.rglob("*.arrow"))
    (OUT / ".lock").unlink()
    with pytest.raises(SftdataError, match="holds no dataset"):
        find_garbage(OUT)


def test_a_folder_without_a_readable_manifest_is_refused(built: dict[str, str]) -> None:
    (OUT / "manifest.json").write_text("{")
    with pytest.raises(SftdataError, match="manifest"):
        find_garbage(OUT)
    shutil.rmtree(OUT)
    with pytest.raises(SftdataError, match="does not exist"):
        find_garbage(OUT)
