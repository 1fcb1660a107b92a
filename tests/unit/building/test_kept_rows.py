"""Kept rows: the journal says where the row stands that a dropped row repeats."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Reason, Status
from sftdata.building.kept_rows import KeptRow, Repeat, find_kept_rows, name_kept_rows
from sftdata.examples.blocks import Blocks
from sftdata.reading.chunks import Chunks
from sftdata.reading.outline import Outline
from sftdata.writing.journal import JournalWriter, read_block_lines

KEYS = b"k" * 16 * 4


def write(folder: Path) -> None:
    """Two chunks, each with a block for each of two templates, added twice."""
    outline = Outline(np.array([3, 2]), np.array([30, 20]), b"a" * 32, is_closed=True)
    writer = JournalWriter(folder)
    for source, first in ((0, 1), (1, 11)):
        # Row 10 * source + i has the id i and the content 100 + i.
        values = 10 * source + np.arange(5, dtype=np.uint64)
        blocks = Blocks(
            rows_in=np.array([1, 2, 2, 0]),
            #              train test
            rows=np.array([[1, 0], [1, 1], [0, 2], [0, 0]]),
            hashes=np.stack([values, values, 100 + values, 100 + values], axis=1),
            lines=np.array([0, 2, 1, 0, 1], np.int32),
            ledger=[],
            whole_text_differs=[],
        )
        chunks = Chunks(source, outline, np.array([first, first + 3]), memoryview(b"x" * 50))
        writer.add_blocks(chunks, KEYS, blocks, [])
    writer.close()


def repeat(value: int, *, by_id: bool) -> Repeat:
    return Repeat(0, by_id, np.array([value, value], np.uint64).tobytes())


def test_a_row_is_found_by_id_or_content_with_its_place_and_its_number(tmp_path: Path) -> None:
    write(tmp_path)
    wanted = [repeat(2, by_id=True), repeat(114, by_id=False), repeat(99, by_id=True)]
    found = find_kept_rows(wanted, read_block_lines(tmp_path), ["a.jsonl", "b.jsonl"])
    assert list(found.values()) == [
        KeptRow("a.jsonl:2", split=1, row=0),
        # train holds 2 rows a source, test 3: its last one is the sixth
        KeptRow("b.jsonl:15", split=1, row=5),
    ]


def test_a_repeated_id_whose_first_row_was_dropped_is_named_with_that_row() -> None:
    lines = [
        LedgerLine("x", "a.jsonl:2", Status.DROPPED, Reason.DUPLICATE, "says the same"),
        LedgerLine("x", "a.jsonl:9", Status.DROPPED, Reason.REPEATED_ID, "more than once"),
    ]
    repeats = [Repeat(0, False, b"c" * 16), Repeat(1, True, b"i" * 16)]
    kept = {(False, b"c" * 16): KeptRow("a.jsonl:1", 0, 0)}
    name_kept_rows(lines, repeats, kept, {(0, 0): "w"})
    assert [line.detail for line in lines] == [
        "says the same as a.jsonl:1 (row 'w')",
        "the id 'x' stands at a.jsonl:2 and at a.jsonl:9, with other fields",
    ]
