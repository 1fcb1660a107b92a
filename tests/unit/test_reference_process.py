"""The reference in a process of its own: the same ids, and no trace of it afterwards."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from sftdata import gate
from sftdata.engine import ReferenceEngine
from sftdata.gate import choose_engine
from sftdata.reference_process import ReferenceProcess
from sftdata.tokenizer import load_tokenizer
from tests.places import BUNDLED_TOKENIZER

TEXTS = ["", "A text.", "Zwei\nZeilen\r\nund <|endoftext|>", "日本語 \u2028 \x00 \U0001f600"]


def bundled() -> bytes:
    return orjson.dumps(load_tokenizer(str(BUNDLED_TOKENIZER)).plain)


def test_it_gives_the_ids_of_the_library() -> None:
    reference = ReferenceEngine(orjson.loads(bundled())).encode(pa.array(TEXTS, pa.large_string()))
    process = ReferenceProcess(bundled())
    for _ in range(2):
        ids = process.encode(TEXTS)
        assert [i for row in ids for i in row] == reference.ids.tolist()
        assert [len(row) for row in ids] == reference.lengths.tolist()


def test_it_ends_when_nobody_holds_it() -> None:
    process = ReferenceProcess(bundled())
    number = process._process.pid
    process.encode(TEXTS)
    os.kill(number, 0)
    del process
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_one_that_is_gone_says_so() -> None:
    process = ReferenceProcess(bundled())
    os.kill(process._process.pid, signal.SIGKILL)
    with pytest.raises(OSError, match=r"ended|[Pp]ipe"):
        process.encode(TEXTS)


def test_an_engine_is_checked_without_it_where_it_was_killed(
    monkeypatch: pytest.MonkeyPatch, byte_tokenizer: Path
) -> None:
    started: list[ReferenceProcess] = []

    class Killed(ReferenceProcess):
        def __init__(self, tokenizer: bytes) -> None:
            super().__init__(tokenizer)
            os.kill(self._process.pid, signal.SIGKILL)
            started.append(self)

    monkeypatch.setattr(gate, "ReferenceProcess", Killed)
    monkeypatch.setattr(gate, "_LARGE_VOCABULARY", 0)
    choice = choose_engine(load_tokenizer(str(byte_tokenizer)).plain, lambda line: None)
    assert choice.engine.name == "gigatoken"
    assert choice.find_fault(pa.array(TEXTS, pa.large_string())) is None
    assert started


def test_an_engine_is_checked_without_it_where_no_process_can_be_started(
    monkeypatch: pytest.MonkeyPatch, byte_tokenizer: Path
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    monkeypatch.setattr(gate, "_LARGE_VOCABULARY", 0)
    choice = choose_engine(load_tokenizer(str(byte_tokenizer)).plain, lambda line: None)
    assert choice.find_fault(pa.array(TEXTS, pa.large_string())) is None
