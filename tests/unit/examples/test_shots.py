"""Shots: never the row itself, its content or its group; the same ones wherever they are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from support.shot_pools import read_pool

from sftdata.base.hashing import hash_column
from sftdata.examples.shots import POOL_ROWS, PoolBuilder, ShotPool


def rows(*ids: str, text: str = "") -> pa.RecordBatch:
    columns = {"row_id": list(ids), "article": [text or f"article of {i}" for i in ids]}
    return pa.RecordBatch.from_pydict(
        {name: pa.array(values, pa.large_string()) for name, values in columns.items()}
    )


def groups(batch: pa.RecordBatch) -> np.ndarray:
    return hash_column(batch.column("row_id"))


def pool(*ids: str) -> ShotPool:
    builder = PoolBuilder(seed=0)
    builder.offer(rows(*ids), groups(rows(*ids)))
    made = builder.finish()
    assert made is not None
    return made


def test_a_row_never_gets_itself_its_content_or_its_group() -> None:
    drawn = pool("a", "b", "c", "d")
    ids = drawn.rows.column("row_id").to_pylist()
    same_group = hash_column(pa.array(["c"], pa.large_string()))
    chosen = drawn.choose(rows("a"), same_group, seed=0, count=4)[0]
    assert [ids[at] for at in chosen if at >= 0] in (["b", "d"], ["d", "b"])
    assert chosen.tolist().count(-1) == 2  # the pool has no more
    other = rows("x", text="article of b")
    assert "b" not in [ids[at] for at in drawn.choose(other, groups(other), 0, 4)[0] if at >= 0]


def test_fewer_shots_are_the_first_of_more() -> None:
    drawn, row = pool("a", "b", "c", "d", "e"), rows("q")
    three, one = (drawn.choose(row, groups(row), 7, count)[0].tolist() for count in (3, 1))
    assert three[:1] == one


def test_the_order_of_arrival_makes_no_difference() -> None:
    ids = [f"r{i}" for i in range(2 * POOL_ROWS)]
    first, second = pool(*ids), pool(*reversed(ids))
    assert first.rows.num_rows == POOL_ROWS
    assert first.digest == second.digest


def test_a_pool_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = pool("a", "b")
    written.write(tmp_path / "pool.arrow")
    read = read_pool(tmp_path / "pool.arrow")
    assert read.rows.equals(written.rows)
    assert read.digest == written.digest
