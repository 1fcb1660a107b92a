"""Row places: the journal says where an example comes from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sftdata.base.hashing import hash_texts
from sftdata.examples.blocks import Blocks
from sftdata.reading.chunks import Chunks
from sftdata.reading.outline import Outline
from sftdata.writing.journal import JournalWriter
from sftdata.writing.manifest import Manifest
from sftdata.writing.row_places import find_row_places


def _write_journal(folder: Path) -> Manifest:
    """Two chunks, each with a block for each of two templates; rows r0 to r4."""
    folder.mkdir(parents=True)
    ids = hash_texts([f"r{number}".encode() for number in range(5)])
    blocks = Blocks(
        rows_in=np.array([1, 2, 2, 0]),
        #              train test
        rows=np.array([[1, 0], [1, 1], [0, 2], [0, 0]]),
        hashes=np.concatenate([ids, ids], axis=1),
        lines=np.array([0, 2, 1, 0, 1], np.int32),
        ledger=[],
        whole_text_differs=[],
    )
    outline = Outline(np.array([3, 2]), np.array([30, 20]), b"a" * 32, is_closed=True)
    writer = JournalWriter(folder)
    chunks = Chunks(1, outline, np.array([11, 14]), memoryview(b"x" * 50))
    writer.add_blocks(chunks, b"k" * 16 * 4, blocks, [])
    writer.close()
    sources = [{"path": "a.jsonl"}, {"path": "b.jsonl"}]
    return Manifest(folder.parents[1], {"build": folder.name, "sources": sources})


def test_each_row_is_found_by_its_id(tmp_path: Path) -> None:
    manifest = _write_journal(tmp_path / "shards" / "abc")
    assert find_row_places(manifest, ["r0", "r1", "r2", "r3", "r4", "foreign"]) == {
        "r0": "b.jsonl:11", "r1": "b.jsonl:13", "r2": "b.jsonl:12",
        "r3": "b.jsonl:14", "r4": "b.jsonl:15",
    }  # fmt: skip


def test_without_a_journal_no_row_has_a_place(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path, {"build": "made", "sources": []})
    assert find_row_places(manifest, ["r0"]) == {}
