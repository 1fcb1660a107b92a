"""The journal: it gives back what was recorded, up to the first damaged line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import xxhash

from sftdata.base.ledger_line import BlockLedgerLine
from sftdata.base.reasons import Status
from sftdata.base.schema import RowSizes
from sftdata.examples.blocks import Blocks, DroppedRows
from sftdata.reading.chunks import Chunks
from sftdata.reading.outline import Outline
from sftdata.writing.journal import (
    JournalWriter,
    read_block_lines,
    read_blocks_at,
    read_journal,
    read_placed_blocks,
)
from sftdata.writing.journal_lines import FILE
from sftdata.writing.shards import Shard, ShardProgress

OUTLINE = Outline(np.array([2, 3]), np.array([20, 30]), b"a" * 16 + b"b" * 16, is_closed=True)
CHUNKS = Chunks(1, OUTLINE, np.array([7, 9]), memoryview(b"x" * 50))
KEYS = b"k" * 16 + b"l" * 16
LINE = BlockLedgerLine("r2", 1, Status.DROPPED, "empty_field", "'summary' is empty")
BLOCKS = Blocks(
    rows_in=np.array([2, 3]),
    #              train test
    rows=np.array([[1, 0], [2, 1]]),
    hashes=np.arange(16, dtype=np.uint64).reshape(4, 4),
    lines=np.array([0, 1, 2, 0], np.int32),
    ledger=[(0, LINE)],
    whole_text_differs=[(1, "r5")],
)
DROPPED = DroppedRows(
    np.arange(8, dtype=np.uint64).reshape(2, 4),
    np.array([3, 4], np.int32),
    np.array([0, 2], np.int8),
)


def write(folder: Path, times: int = 1) -> None:
    writer = JournalWriter(folder)
    for number in range(times):
        writer.add_blocks(CHUNKS, KEYS, BLOCKS, [(1, DROPPED)])
        writer.note_progress("train", ShardProgress("train-00000.arrow", 3, 700 + number, "ab"))
    writer.close()


def test_blocks_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path)
    journal = read_journal(tmp_path)
    (line,) = journal.blocks
    assert line.keys == KEYS
    assert line.templates == 1
    assert line.outline.digests == OUTLINE.digests
    assert line.blocks.rows.tolist() == [[1, 0], [2, 1]]
    assert line.blocks.hashes.tolist() == BLOCKS.hashes.tolist()
    assert line.blocks.ledger == [(0, LINE)]
    assert line.blocks.whole_text_differs == [(1, "r5")]
    assert line.blocks.lines.tolist() == [0, 1, 2, 0]
    assert (line.source, line.first_rows.tolist()) == (1, [7, 9])
    assert line.dropped[1].lines.tolist() == [3, 4]
    assert line.dropped[1].reasons.tolist() == [0, 2]


def test_finished_shards_come_back_by_split_and_key(tmp_path: Path) -> None:
    shard = Shard("train-00000.arrow", 2, 9, 4, 700, "0" * 64, "ab", [2])
    sizes = RowSizes(
        np.array([4, 5], np.int32), np.array([1, 3], np.int32),
        np.array([0, 1], np.int8), np.array([0, 0], np.int8),
    )  # fmt: skip
    writer = JournalWriter(tmp_path)
    writer.note_shards("train", b"key", [shard], sizes)
    writer.close()
    shards = read_journal(tmp_path).shards
    assert list(shards) == [("train", b"key")]
    line = shards["train", b"key"]
    assert line.shards == [shard]
    assert line.sizes.tokens.tolist() == [4, 5]
    assert line.sizes.target_tokens.tolist() == [1, 3]
    assert line.sizes.template.tolist() == [0, 1]


def test_a_line_of_blocks_is_read_again_at_its_place(tmp_path: Path) -> None:
    write(tmp_path, times=2)
    (_, first), (place, second) = read_placed_blocks(tmp_path)
    assert first.entry == second.entry == read_blocks_at(tmp_path, place).entry
    assert read_journal(tmp_path, with_blocks=False).blocks == []
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[: place + 50])
    with pytest.raises(OSError, match="was changed while it was read"):
        read_blocks_at(tmp_path, place)


def test_the_last_progress_of_a_shard_counts(tmp_path: Path) -> None:
    write(tmp_path, times=2)
    reached = read_journal(tmp_path).progress
    assert {key: progress.size for key, progress in reached.items()} == {
        ("train", "train-00000.arrow"): 701
    }


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_nothing_is_read_from_a_damaged_line_on(tmp_path: Path, damage: str) -> None:
    write(tmp_path, times=3)
    path = tmp_path / FILE
    lines = path.read_bytes().splitlines(keepends=True)
    if damage == "cut":
        lines[2] = lines[2][:-20]
        lines[3:] = []
    else:
        lines[2] = lines[2].replace(b"empty_field", b"emptx_field")
    path.write_bytes(b"".join(lines))
    assert len(read_journal(tmp_path).blocks) == 1


def test_without_a_file_the_journal_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path).blocks == []


@pytest.mark.parametrize(
    ("notes", "is_checked"), [([], True), ([False], False), ([False, True], True)]
)
def test_the_last_word_on_the_engine_counts(
    tmp_path: Path, notes: list[bool], is_checked: bool
) -> None:
    writer = JournalWriter(tmp_path)
    for note in notes:
        writer.note_engine(is_checked=note)
    writer.close()
    assert read_journal(tmp_path).is_checked is is_checked


def test_blocks_that_an_earlier_version_recorded_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, 2)
    first, *others = (tmp_path / FILE).read_bytes().splitlines()
    entry = orjson.loads(first.partition(b" ")[2])
    earlier = orjson.dumps({key: value for key, value in entry.items() if key != "source"})
    digest = xxhash.xxh3_64_hexdigest(earlier).encode()
    (tmp_path / FILE).write_bytes(b"\n".join([digest + b" " + earlier, *others, b""]))
    assert len(read_journal(tmp_path).blocks) == 1


@pytest.mark.parametrize(
    "edit",
    [
        {"rows": [[1, 0]]},
        {"rows": [[-1, 2], [2, 1]]},
        # Fewer blocks than chunks; no chunks.
        {"rows": [[3, 1]], "rows_in": [2], "keys": "a2tra2tra2tra2tra2traw==", "trimmed": []},
        {"chunks": {"rows": [], "sizes": [], "digests": "", "is_closed": True}, "first_rows": []},
        {"rows_in": "x"},
        {"hashes": "AAAA"},
        {"lines": None},
        {"keys": "AAAA"},
        {"first_rows": [7, 9, 11]},
        {"source": "a"},
        {"chunks": {}},
        {"chunks": {"rows": [2, 3], "sizes": [20, 30], "digests": "", "is_closed": True}},
        {"ledger": [[7, "r2", 1, "dropped", "x", "y"]]},
        {"ledger": [[0, "r2", "1", "dropped", "x", "y"]]},
        {"ledger": [[0, "r2", 1, "gone", "x", "y"]]},
        {"whole_text_differs": [[0]]},
        {"trimmed": [[5, "", [], []]]},
        {"trimmed": [[0, "", [1], []]]},
    ],
    ids=str,
)
def test_a_line_that_no_build_wrote_ends_the_journal(tmp_path: Path, edit: dict[str, Any]) -> None:
    write(tmp_path, 3)
    lines = (tmp_path / FILE).read_bytes().splitlines()
    foreign = orjson.dumps(orjson.loads(lines[2].partition(b" ")[2]) | edit)
    lines[2] = xxhash.xxh3_64_hexdigest(foreign).encode() + b" " + foreign
    (tmp_path / FILE).write_bytes(b"\n".join([*lines, b""]))
    assert len(read_journal(tmp_path).blocks) == len(list(read_block_lines(tmp_path))) == 1
    assert read_journal(tmp_path).progress["train", "train-00000.arrow"].size == 700


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"{",
        b'{"written": ["../train-00000.arrow", 1, 1, "ab"], "split": "train"}',
        b'{"written": ["train-00000.arrow", 1, "1", "ab"], "split": "train"}',
        b'{"written": ["train-00000.arrow", 1, 1, "ab"]}',
        b'{"shards": [{}], "split": "train", "key": ""}',
        b'{"shards": [], "split": "train", "key": "", "sizes": {}}',
    ],
    ids=bytes.decode,
)
def test_neither_a_shard_elsewhere_nor_a_value_of_another_type_is_read(
    tmp_path: Path, line: bytes
) -> None:
    digest = xxhash.xxh3_64_hexdigest(line).encode()
    (tmp_path / FILE).write_bytes(digest + b" " + line + b"\n")
    journal = read_journal(tmp_path)
    assert (journal.shards, journal.progress) == ({}, {})
