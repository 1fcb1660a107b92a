"""A source that is cut while it is read: an error, where a memory map would end the process."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from support.commands import command_server

from sftdata.reading.tables.columnar import read_columnar


def test_an_arrow_file_that_is_cut_while_it_is_read_is_an_error() -> None:
    path = Path("rows.arrow")
    batch = pa.record_batch({"text": ["word " * 100] * 1000})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        for _ in range(20):
            writer.write_batch(batch)
    batches = read_columnar("rows.arrow", "arrow", path, {"text"})
    next(batches)
    with path.open("r+b") as file:
        file.truncate(100_000)
    with pytest.raises((OSError, pa.ArrowException)):
        list(batches)


def test_a_shard_that_was_cut_is_one_message() -> None:
    with command_server() as server:
        assert server.run("build", "--task", "grammar", "--out", "out").code == 0
        (shard,) = Path("out").glob("shards/*/train-*.arrow")
        with shard.open("r+b") as file:
            file.truncate(4096)
        for reader in (["load", "out"], ["stats", "out"], ["inspect", "out"], ["verify", "out"]):
            done = server.run(*reader)
            assert done.is_one_message, done
            assert "train-00000.arrow" in done.err
