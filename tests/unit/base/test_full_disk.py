"""A full disk: the errors say how many bytes are needed, where that is known."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from support.forty_rows import build, rows, write_rows, write_spec

from sftdata.base import files
from sftdata.base.files import write_atomically
from sftdata.base.full_disk import FullDiskError, with_place
from sftdata.writing.shards import ShardWriter


def fail(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_needs_all_of_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(FullDiskError) as raised:
        write_atomically(Path("page.html"), bytes(500))
    assert (raised.value.bytes_needed, raised.value.is_estimate) == (500, False)
    assert (raised.value.filename, raised.value.errno) == ("page.html", errno.ENOSPC)


def test_a_build_estimates_the_rest_by_the_rows_that_are_done(
    byte_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_spec(byte_tokenizer)
    write_rows(rows(200))
    whole = build(spec="spec.toml", out="whole").manifest
    size = sum(s["bytes"] for split in whole["splits"].values() for s in split["shards"])
    write, written = ShardWriter._write_batch, []

    def fill_up(self: ShardWriter) -> None:
        written.append(1)
        if len(written) > 12:
            fail()
        write(self)

    monkeypatch.setattr(ShardWriter, "_write_batch", fill_up)
    with pytest.raises(FullDiskError) as raised:
        build(spec="spec.toml", out="out")
    assert raised.value.is_estimate
    assert size / 10 < raised.value.bytes_needed < size * 2


def test_another_place_keeps_the_figures() -> None:
    error = FullDiskError(errno.EDQUOT, "Disk quota exceeded", "a")
    error.bytes_needed = 7
    placed = with_place(error, "b")
    assert isinstance(placed, FullDiskError)
    assert (placed.filename, placed.bytes_needed) == ("b", 7)
    assert type(with_place(OSError(errno.EIO, "x", "a"), "b")) is OSError
