"""Verify names every disagreement of files and manifest."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xxhash
from support.forged import Row, rewrite_rows, shard_of
from support.manifests import edit_manifest

from sftdata.building.build import build
from sftdata.inspecting.verify import find_faults, verify
from sftdata.loading.dataset import load
from sftdata.loading.packing import plan_packs, write_plan

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Path) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    rows = [{"id": f"r{i}", "article": f"article {i}", "summary": f"s{i}"} for i in range(60)]
    rows.append({"id": "bad", "article": "", "summary": "x"})
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    build("summarize", data=source, tokenizer=byte_tokenizer, out=folder / "o", max_dropped=5)
    return folder / "o"


@pytest.fixture
def out(built: Path) -> Path:
    """A copy of the dataset that the test may damage."""
    return Path(shutil.copytree(built, "out"))


def only_fault(out: Path, *, deep: bool = False) -> str:
    (fault,) = find_faults(out, deep=deep)
    return fault


@pytest.mark.parametrize("deep", [False, True])
def test_an_intact_dataset_has_no_fault(out: Path, deep: bool) -> None:
    assert find_faults(out, deep=deep) == []


def test_a_dataset_may_be_moved(out: Path) -> None:
    moved = out.rename("elsewhere")
    assert find_faults(moved, deep=True) == []


@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_a_flipped_bit_is_found(out: Path, place: float) -> None:
    path = shard_of(out)
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    path.write_bytes(data)
    assert path.name in only_fault(out)
    assert "digest" in only_fault(out)


def test_a_truncated_shard_is_found(out: Path) -> None:
    path = shard_of(out)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-10])
    assert f"{size - 10:,} bytes; the manifest says {size:,}" in only_fault(out)


def test_a_missing_shard_is_found(out: Path) -> None:
    shard_of(out, "test").unlink()
    assert "test-00000.arrow: the file is missing" in only_fault(out)


def test_every_damaged_shard_is_message(out: Path) -> None:
    shard_of(out, "test").unlink()
    shard_of(out, "train").write_bytes(b"")
    assert len(find_faults(out)) == 2


def test_a_file_that_is_no_shard_is_found_though_its_digest_agrees(out: Path) -> None:
    path = shard_of(out)
    path.write_bytes(b"no arrow")

    def agree(manifest: dict[str, Any]) -> None:
        shard = manifest["splits"]["train"]["shards"][0]
        shard["sha256"], shard["bytes"] = hashlib.sha256(b"no arrow").hexdigest(), 8
        shard["xxh3"] = xxhash.xxh3_128_hexdigest(b"no arrow")

    edit_manifest(out, agree)
    assert path.name in only_fault(out)


@pytest.mark.parametrize("key", ["rows", "tokens", "target_tokens"])
def test_an_edited_count_of_a_shard_is_found(out: Path, key: str) -> None:
    def edit(manifest: dict[str, Any]) -> None:
        manifest["splits"]["train"]["shards"][0][key] += 1

    edit_manifest(out, edit)
    assert f" {key} " in only_fault(out)


@pytest.mark.parametrize(
    "edit",
    [
        lambda m: m.update(rows_in=m["rows_in"] + 1),
        lambda m: m.update(rows_out=m["rows_out"] - 1),
        lambda m: m.update(rows_in=m["rows_in"] - 1, rows_out=m["rows_out"] - 1),
        lambda m: m["dropped"].update(empty_field=2),
        lambda m: m["dropped"].update(empty_field=0, wrong_type=1),
        lambda m: m.update(cut=1),
        lambda m: m["sources"][0].update(rows=3),
        lambda m: m["certificate"].update(prompt_equal=1),
        lambda m: m["stats"].update(tokens=1),
    ],
)
def test_an_edited_count_of_the_manifest_is_found(out: Path, edit: Edit) -> None:
    edit_manifest(out, edit)
    found = verify(out)
    assert found.faults
    assert found.checked == []  # nothing is said to be right


def test_a_missing_or_broken_ledger_is_found(out: Path) -> None:
    (path,) = out.glob("ledger/*.arrow")
    path.write_bytes(b"no ledger")
    assert only_fault(out).startswith(f"{path}: 9 bytes; the manifest says")
    path.unlink()
    assert only_fault(out) == f"{path}: the file is missing"


def unmask_the_target(row: Row) -> None:
    row["label_mask"][-2] = False


def unmask_the_prompt(row: Row) -> None:
    row["label_mask"][0] = True


def lose_eos(row: Row) -> None:
    row["input_ids"][-1] = 65


def start_at_once(row: Row) -> None:
    row["target_start"], row["label_mask"] = 0, [True] * len(row["input_ids"])


def only_eos(row: Row) -> None:
    row["target_start"] = len(row["input_ids"]) - 1
    row["label_mask"] = [False] * row["target_start"] + [True]


def past_the_vocabulary(row: Row) -> None:
    row["input_ids"][3] = 9999


def eos_inside(row: Row) -> None:
    row["input_ids"][3] = 256


def short_mask(row: Row) -> None:
    row["label_mask"].pop()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lose_eos, "not EOS (256)"),
        (start_at_once, "the target starts at 0"),
        (only_eos, "the target starts at"),
        (past_the_vocabulary, "outside the vocabulary"),
        (eos_inside, "control token"),
    ],
)
def test_deep_finds_a_wrong_row_in_a_shard_whose_digest_agrees(
    out: Path, damage: Callable[[Row], None], message: str
) -> None:
    rows: list[Row] = []

    def edit(all_rows: list[Row]) -> None:
        damage(all_rows[5])
        rows.extend(all_rows)

    rewrite_rows(out, edit)
    fault = next(f for f in find_faults(out, deep=True) if message in f)
    assert f"train, row '{rows[5]['row_id']}'" in fault


def test_a_mask_that_is_too_short_is_found(out: Path) -> None:
    rewrite_rows(out, lambda rows: short_mask(rows[5]))
    assert "a label_mask is not as long as its input_ids" in only_fault(out)


@pytest.mark.parametrize("damage", [unmask_the_target, unmask_the_prompt])
def test_a_wrong_mask_is_found_by_its_count(out: Path, damage: Callable[[Row], None]) -> None:
    rewrite_rows(
        out,
        lambda rows: damage(rows[5]),
        lambda row: len(row["input_ids"]) - row["target_start"],
    )
    assert "target_tokens (train)" in only_fault(out)


def test_deep_finds_a_mask_that_has_moved(out: Path) -> None:
    def move(rows: list[Row]) -> None:
        mask = rows[5]["label_mask"]
        mask[0], mask[-2] = True, False

    rewrite_rows(out, move)
    assert find_faults(out) == []
    assert "label mask" in only_fault(out, deep=True)


def test_deep_says_when_the_tokenizer_is_gone(out: Path) -> None:
    edit_manifest(out, lambda m: m["tokenizer"].update(name="./gone"))
    assert find_faults(out) == []
    assert "'./gone'" in only_fault(out, deep=True)


def test_the_deep_check_does_not_read_the_cache(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise AssertionError(f"{path} was read")

    cached = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    read_bytes = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda p: refuse(p) if p.is_relative_to(cached) else read_bytes(p)
    )
    assert find_faults(out, deep=True) == []


def test_damaged_plans_are_named_beside_damaged_shards(out: Path) -> None:
    data = load(out)
    plan = write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 200))
    for path in (shard_of(out), plan):
        path.write_bytes(path.read_bytes()[:-1])
    first, second = find_faults(out)
    assert first.startswith(f"{shard_of(out)}: ")
    assert second.startswith(f"{plan}: the pack plan cannot be read")
