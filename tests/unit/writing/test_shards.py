"""Shards: where batches and shards end, what is recorded of them, and that a link is no copy."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from sftdata.base.schema import shard_schema
from sftdata.base.sizes import Sizes
from sftdata.writing.shards import ShardWriter, open_batches, read_batches


def batch(*lengths: int) -> pa.RecordBatch:
    """A row of each length in tokens, of which the last is in the loss."""
    label = pa.DictionaryArray.from_arrays(pa.array([0] * len(lengths), pa.int8()), ["a/b@1.0.0"])
    columns = {
        "row_id": pa.array([f"r{i}" for i in range(len(lengths))]),
        "template": label,
        "input_ids": pa.array([list(range(n)) for n in lengths], pa.list_(pa.int32())),
        "label_mask": pa.array([[i == n - 1 for i in range(n)] for n in lengths]),
        "target_start": pa.array([n - 1 for n in lengths], pa.int32()),
    }
    return pa.RecordBatch.from_pydict(columns, shard_schema())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "shards"
    home.mkdir()
    return home


def test_batches_end_by_rows_and_shards_by_tokens(folder: Path) -> None:
    writer = ShardWriter(folder, "train", sizes=Sizes(batch_rows=2, shard_tokens=10))
    #            rows of 3 tokens: batch 1  batch 2  (12 tokens: the shard ends)  batch 3
    writer.append(batch(3, 3, 3, 3, 3), 0, 5)
    first, second = writer.close()
    assert (first.file, first.rows, first.tokens, first.target_tokens) == (
        "train-00000.arrow", 4, 12, 4,
    )  # fmt: skip
    assert (first.batch_rows, second.batch_rows) == ([2, 2], [1])
    assert (second.file, second.rows) == ("train-00001.arrow", 1)


def test_a_shard_is_recorded_with_the_digest_of_its_bytes(folder: Path) -> None:
    writer = ShardWriter(folder, "test")
    writer.append(batch(2, 4), 1, 1)  # the second row alone
    (shard,) = writer.close()
    data = (folder / shard.file).read_bytes()
    assert (shard.bytes, shard.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    (read,) = open_batches(folder / shard.file)
    assert read.column("row_id").to_pylist() == ["r1"]
    assert read.column("input_ids").to_pylist() == [[0, 1, 2, 3]]
    assert read.column("label_mask").to_pylist() == [[False, False, False, True]]


def test_where_a_batch_is_handed_over_makes_no_difference(folder: Path) -> None:
    lengths = (3, 1, 4, 1, 5, 9, 2, 6)
    digests = []
    for number, cuts in enumerate(([8], [1, 7], [3, 3, 2])):
        writer = ShardWriter(folder, f"s{number}", sizes=Sizes(batch_rows=3))
        start = 0
        for rows in cuts:
            writer.append(batch(*lengths), start, rows)
            start += rows
        digests.append([shard.sha256 for shard in writer.close()])
    assert digests[0] == digests[1] == digests[2]


def test_a_linked_shard_is_the_same_file(folder: Path, tmp_path: Path) -> None:
    old = ShardWriter(folder, "train")
    old.append(batch(2, 3), 0, 2)
    shards, sizes = old.end_shard()
    old.close()
    (tmp_path / "new").mkdir()
    writer = ShardWriter(tmp_path / "new", "train")
    assert writer.link_shards(folder, shards, sizes, is_on_disk=True)
    (linked,) = writer.close()
    assert (tmp_path / "new" / linked.file).samefile(folder / shards[0].file)
    assert writer.counts.length_counts("length").tolist() == [0, 0, 1, 1]
    assert not ShardWriter(tmp_path / "new", "x").link_shards(
        tmp_path / "gone", shards, sizes, is_on_disk=True
    )


def test_the_written_part_of_an_unfinished_shard_can_be_read(folder: Path) -> None:
    writer = ShardWriter(folder, "train", sizes=Sizes(batch_rows=2))
    writer.append(batch(1, 2, 3), 0, 3)  # the third row is pending
    (progress,) = writer.take_progress()
    assert progress.rows == 2
    assert [b.num_rows for b in read_batches(folder / progress.file, progress.rows)] == [2]
    with pytest.raises(pa.ArrowInvalid):
        read_batches(folder / progress.file, 3)
    writer.abandon()
