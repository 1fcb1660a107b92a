"""Fixtures: the real golden sets and tokenizers where they are, and small ones made here."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from support.byte_tokenizer import write_byte_tokenizer
from support.forked.shared import close_servers
from support.places import SHARED

# Threads of torch that wait for each other in a loop: here they took ten times what one takes.
# Set before torch is imported, and for the processes that the tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says what else the machine is doing.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of bytes by its place: an archive's bytes hold the time when it was packed."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_finish() -> None:
    """Nothing that is imported by now is garbage: a full collection need not look at it."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("real") and not (SHARED / "golden").is_dir():
        pytest.skip("the real golden sets are not beside the checkout (set SFTDATA_REAL)")


@pytest.fixture
def shared() -> Path:
    """The folder with the real golden sets and tokenizers; for tests marked `real`."""
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def _with_a_cache_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test may be told what another version of the code has remembered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _with_servers_that_end() -> Iterator[None]:
    yield
    close_servers()


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may depend on, or write into, the folder pytest was started in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def byte_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer directory with one id per byte, id == byte, and EOS 256 which is also pad."""
    return write_byte_tokenizer(tmp_path_factory.mktemp("byte-tokenizer"))


@pytest.fixture(scope="session")
def digit_tokenizer(byte_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each digit alone, then the byte level; white space and some words have merges."""
    folder = tmp_path_factory.mktemp("digit-tokenizer")
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_text())
    spec["model"]["vocab"]["<eos>"] = 256  # else the library gives it the id after the last
    space, newline, tab = "\u0120", "\u010a", "\u0109"
    merges = [(space, space), (space * 2, space * 2), (newline, newline), (space, "a"), ("a", "é")]
    merges += [(newline, space), (space, newline), (tab, tab), (space, "Â"), ("Â", "½")]
    for left, right in [(a, b) for a, b in merges if a in spec["model"]["vocab"] or a == space * 2]:
        if right in spec["model"]["vocab"] or right == space * 2:
            spec["model"]["vocab"][left + right] = 257 + len(spec["model"]["merges"])
            spec["model"]["merges"].append([left, right])
    digits = {"type": "Digits", "individual_digits": True}
    stages = [digits, spec["pre_tokenizer"]]
    spec["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": stages}
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "<eos>"}')
    return folder
