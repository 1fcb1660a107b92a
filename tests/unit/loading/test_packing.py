"""Pack: each row once, no pack too full, few packs, and a plan of another build is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import handmade
from support.handmade import row

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset
from sftdata.loading.packing import plan_packs, read_plan, write_plan


@pytest.fixture
def data(tmp_path: Path, byte_tokenizer: Path) -> Dataset:
    return write_rows(tmp_path, byte_tokenizer)


def write_rows(folder: Path, tokenizer: Path, **manifest: Any) -> Dataset:
    """Rows of 3 to 41 tokens."""
    rows = [row(f"r{i}", "a" * i, "s") for i in range(1, 40)]
    return handmade.write(folder, tokenizer, rows, **manifest)


def test_a_plan_a_reader_can_check() -> None:
    #                            0  1  2  3  4  5
    plan = plan_packs(np.array([3, 8, 5, 2, 2, 10]), 10)
    packs = [plan[i].tolist() for i in range(len(plan))]
    assert packs == [[5], [1, 3], [0, 2, 4]]
    assert plan.tokens.tolist() == [10, 10, 10]
    assert (plan.lower_bound, plan.efficiency, plan.fill) == (3, 1.0, 1.0)


@given(st.lists(st.integers(1, 30), max_size=80))
def test_each_row_is_in_one_pack_and_no_pack_is_too_full(lengths: list[int]) -> None:
    plan = plan_packs(np.array(lengths, np.int64), 30)
    assert sorted(plan.rows.tolist()) == list(range(len(lengths)))
    assert plan.lengths.tolist() == [lengths[row] for row in plan.rows]
    assert plan.tokens.sum() == sum(lengths)
    assert (plan.tokens <= 30).all()
    assert (plan.tokens > 0).all()
    assert plan.lower_bound <= len(plan)


def test_a_million_rows_come_close_to_the_fewest_packs() -> None:
    lengths = np.minimum(np.random.default_rng(0).lognormal(5.5, 0.9, 1_000_000) + 5, 4096)
    assert plan_packs(lengths.astype(np.int32), 4096).efficiency > 0.999


def test_rows_that_do_not_fit_are_counted_and_named_with_the_way_out() -> None:
    with pytest.raises(
        SftdataError, match=r"2 of 3 rows(?s:.*)longest has 12(?s:.*)--max-length 10"
    ):
        plan_packs(np.array([11, 12, 3]), 10)


def test_a_plan_comes_back_as_it_was_written_and_several_lie_side_by_side(data: Dataset) -> None:
    for max_length in (50, 70):
        plan = plan_packs(data["train"].lengths, max_length)
        write_plan(data.manifest, "train", plan)
        again = read_plan(data, "train", max_length)
        assert again.rows.tolist() == plan.rows.tolist()
        assert again.offsets.tolist() == plan.offsets.tolist()
        assert again.tokens.tolist() == plan.tokens.tolist()
    assert len(list((data.manifest.directory / "packs").glob("*.arrow"))) == 2


def test_no_token_is_copied(data: Dataset) -> None:
    plan = plan_packs(data["train"].lengths, 50)
    path = write_plan(data.manifest, "train", plan)
    table = pa.ipc.open_file(path).read_all()
    assert table.schema.names == ["rows", "lengths"]
    assert table.num_rows == len(plan)


def test_a_plan_of_another_build_is_refused(
    data: Dataset, tmp_path: Path, byte_tokenizer: Path
) -> None:
    write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 50))
    newer = write_rows(tmp_path, byte_tokenizer, build="newer")
    assert newer.manifest.directory == data.manifest.directory
    with pytest.raises(SftdataError, match=r"for the build(?s:.*)sftdata pack"):
        read_plan(newer, "train", 50)


def test_a_missing_or_broken_plan_says_how_to_make_one(data: Dataset) -> None:
    with pytest.raises(SftdataError, match=r"no pack plan(?s:.*)--max-length 77 --split train"):
        read_plan(data, "train", 77)
    path = write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 50))
    path.write_bytes(b"ARROW1\0\0 and then nothing")
    with pytest.raises(SftdataError, match=r"cannot be read(?s:.*)sftdata pack"):
        read_plan(data, "train", 50)


def test_an_empty_split_has_an_empty_plan() -> None:
    plan = plan_packs(np.empty(0, np.int64), 10)
    assert (len(plan), plan.lower_bound, plan.efficiency, plan.fill) == (0, 0, 1.0, 1.0)


def rewrite(path: Path, edit: Callable[[list[dict[str, list[int]]]], None]) -> None:
    """Changes the packs of a plan and makes its digest agree, as no damage does."""
    table = pa.ipc.open_file(path).read_all()
    packs = table.to_pylist()
    edit(packs)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(pa.Table.from_pylist(packs, table.schema))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")


@pytest.mark.parametrize(
    "edit",
    [
        lambda packs: packs.pop(),
        lambda packs: packs.append(packs[0]),
        lambda packs: packs[0]["rows"].__setitem__(0, packs[1]["rows"][0]),
        lambda packs: packs[0]["rows"].__setitem__(0, -1),
        lambda packs: packs[0]["rows"].__setitem__(0, 10**6),
        lambda packs: packs[0]["lengths"].append(1),
        lambda packs: (
            packs.__setitem__(0, {k: packs[0][k] + packs[1][k] for k in packs[0]}) or packs.pop(1)
        ),
    ],
)
def test_a_plan_that_does_not_hold_each_row_once_is_refused(
    edit: Callable[[list[dict[str, list[int]]]], None], data: Dataset
) -> None:
    path = write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 50))
    rewrite(path, edit)
    with pytest.raises(SftdataError, match=r"does not fit the rows(?s:.*)sftdata pack"):
        read_plan(data, "train", 50)


def test_a_flipped_bit_of_a_plan_is_found_before_it_is_parsed(data: Dataset) -> None:
    path = write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 50))
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(SftdataError, match="its digest differs"):
            read_plan(data, "train", 50)


def test_the_digest_beside_a_plan_is_one_for_sha256sum(data: Dataset) -> None:
    path = write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 50))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    recorded = path.with_name("50-train.arrow.sha256")
    assert recorded.read_text() == f"{digest}  50-train.arrow\n"
    recorded.unlink()
    with pytest.raises(SftdataError, match=r"no 50-train\.arrow\.sha256 beside it"):
        read_plan(data, "train", 50)


def test_a_plan_whose_metadata_is_not_utf8_is_refused(data: Dataset) -> None:
    path = write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 50))
    table = (
        pa.ipc.open_file(path).read_all().replace_schema_metadata({b"\xff": b"", b"build": b"\xff"})
    )
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")
    with pytest.raises(SftdataError, match=r"was made for the build \\xff"):
        read_plan(data, "train", 50)
