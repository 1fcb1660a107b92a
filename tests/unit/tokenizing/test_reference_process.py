"""The reference in a process of its own: the same ids, and no trace of it afterwards."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from support.places import BUNDLED_TOKENIZER

from sftdata.tokenizing import exactness as gate
from sftdata.tokenizing import reference_process as module
from sftdata.tokenizing.engines import ReferenceEngine
from sftdata.tokenizing.exactness import choose_engine
from sftdata.tokenizing.reference_process import ReferenceProcess, reference_process
from sftdata.tokenizing.tokenizer import load_tokenizer

TEXTS = ["", "A text.", "Zwei\nZeilen\r\nund <|endoftext|>", "日本語 \u2028 \x00 \U0001f600"]


def ends(process: int) -> bool:
    """Whether the process is gone before long; it may have to load its library first."""
    for _ in range(3000):
        try:
            os.kill(process, 0)
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":  # its parent was killed, and nobody has collected it yet
            return True
        time.sleep(0.01)
    return False


def bundled() -> bytes:
    return load_tokenizer(str(BUNDLED_TOKENIZER)).plain.content


def test_it_gives_the_ids_of_the_library() -> None:
    plain = load_tokenizer(str(BUNDLED_TOKENIZER)).plain
    reference = ReferenceEngine(plain).encode(pa.array(TEXTS, pa.large_string()))
    process = reference_process(bundled())
    for _ in range(2):
        ids = process.encode(TEXTS)
        assert [i for row in ids for i in row] == reference.ids.tolist()
        assert [len(row) for row in ids] == reference.lengths.tolist()


def test_it_ends_when_nobody_holds_it() -> None:
    process = reference_process(bundled())
    number = process._process.pid
    process.encode(TEXTS)
    os.kill(number, 0)
    del process
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_one_started_ahead_is_given_to_the_first_who_asks() -> None:
    module.start_ahead(bundled())
    (ahead,) = module._ahead.values()
    first, second = reference_process(bundled()), reference_process(bundled())
    assert first is ahead
    assert second is not ahead
    assert first.encode(TEXTS) == second.encode(TEXTS)


@pytest.mark.parametrize("end", ["pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_one_started_ahead_for_nobody_ends_with_the_program(end: str) -> None:
    program = (
        "import os, signal, sftdata.tokenizing.reference_process as r; r.start_ahead(b'x');"
        f"print(r._ahead[b'x']._process.pid, flush=True); {end}"
    )
    run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=False)
    assert ends(int(run.stdout))


def test_an_engine_is_checked_without_one_started_ahead_that_was_killed(
    monkeypatch: pytest.MonkeyPatch, byte_tokenizer: Path
) -> None:
    plain = load_tokenizer(str(byte_tokenizer)).plain
    module.start_ahead(plain.content)
    module._ahead[plain.content]._process.kill()
    module._ahead[plain.content]._process.wait()
    monkeypatch.setattr(gate, "LARGE_VOCABULARY", 0)
    choice = choose_engine(plain, lambda line: None)
    assert choice.find_fault(pa.array(TEXTS, pa.large_string())) is None
    assert not module._ahead


def test_one_that_is_gone_says_so() -> None:
    process = reference_process(bundled())
    os.kill(process._process.pid, signal.SIGKILL)
    with pytest.raises(OSError, match=r"ended|[Pp]ipe"):
        process.encode(TEXTS)


def test_an_engine_is_checked_without_it_where_it_was_killed(
    monkeypatch: pytest.MonkeyPatch, byte_tokenizer: Path
) -> None:
    started: list[ReferenceProcess] = []

    def start_and_kill(tokenizer: bytes) -> ReferenceProcess:
        process = reference_process(tokenizer)
        os.kill(process._process.pid, signal.SIGKILL)
        started.append(process)
        return process

    monkeypatch.setattr(gate, "reference_process", start_and_kill)
    monkeypatch.setattr(gate, "LARGE_VOCABULARY", 0)
    choice = choose_engine(load_tokenizer(str(byte_tokenizer)).plain, lambda line: None)
    assert choice.engine.name == "gigatoken"
    assert choice.find_fault(pa.array(TEXTS, pa.large_string())) is None
    assert started


def test_an_engine_is_checked_without_it_where_no_process_can_be_started(
    monkeypatch: pytest.MonkeyPatch, byte_tokenizer: Path
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    monkeypatch.setattr(gate, "LARGE_VOCABULARY", 0)
    choice = choose_engine(load_tokenizer(str(byte_tokenizer)).plain, lambda line: None)
    assert choice.find_fault(pa.array(TEXTS, pa.large_string())) is None
