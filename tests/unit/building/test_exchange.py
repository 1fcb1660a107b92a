"""Exchange: what is sent arrives, in a file or in the pipe, and leaves nothing behind."""

from __future__ import annotations

import os
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sftdata.building.exchange import pack, receive, send


def open_files() -> list[str]:
    return sorted(str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.exists())


@pytest.mark.parametrize("rows", [0, 3, 100_000])
def test_arrays_and_batches_arrive(rows: int) -> None:
    sent = (
        np.arange(rows),
        pa.record_batch({"id": pa.array([f"é{n}" for n in range(rows)], pa.string())}),
        ["text", b"bytes"],
    )
    ours, theirs = Pipe()
    send(ours, pack(sent))
    array, batch, rest = receive(theirs)
    assert array.tolist() == sent[0].tolist()
    assert batch.equals(sent[1])
    assert rest == sent[2]
    assert all(b is None or b.address % 8 == 0 for b in batch.column(0).buffers())


def test_large_data_crosses_in_a_file_that_both_sides_close() -> None:
    before = open_files()
    ours, theirs = Pipe()
    packed = pack(np.zeros(1 << 20, np.uint8))
    assert packed.file is not None
    assert len(packed.content) < 1000
    send(ours, packed)
    received = receive(theirs)
    assert received.sum() == 0
    del received
    ours.close()
    theirs.close()
    assert open_files() == before


def test_an_answer_whose_sender_dies_before_its_file_is_an_end_and_no_wait() -> None:
    ours, theirs = Pipe()
    packed = pack(np.zeros(1 << 20, np.uint8))
    assert packed.file is not None
    ours.send((packed.content, packed.sizes))
    os.close(packed.file)
    ours.close()
    with pytest.raises(EOFError):
        receive(theirs)


def test_a_receiver_that_is_gone_leaves_no_file() -> None:
    before = open_files()
    ours, theirs = Pipe()
    theirs.close()
    with pytest.raises(OSError, match="Broken pipe"):
        send(ours, pack(np.zeros(1 << 20, np.uint8)))
    ours.close()
    assert open_files() == before
