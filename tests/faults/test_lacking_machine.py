"""A machine that lacks open files, memory or a home: no healthy file is called damaged for it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.few_files import files_left
from support.forty_rows import build_rows, rows, write_spec

from sftdata.base.cache_folder import cache_folder
from sftdata.errors import SftdataError
from sftdata.inspecting.verify import verify
from sftdata.loading.dataset import load
from sftdata.loading.packing import find_damaged_plans, plan_packs, read_plan, write_plan
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.serving.passport import read_passport
from sftdata.spec.toml import read_toml
from sftdata.tokenizing.guarded_file import read_file
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import read_manifest

OUT = Path("out")
Reader = Callable[[], object]


def readers(tokenizer: Path) -> dict[str, Reader]:
    """Each reads a healthy file that was not opened yet."""
    write_spec(tokenizer)
    build_rows(rows())
    data = load(OUT)
    write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 256))
    Path("sftdata.json").write_text("{}")
    again = load(OUT)
    manifest = read_manifest(OUT)
    return {
        "manifest": lambda: read_manifest(OUT),
        "shard": lambda: again["train"][0],
        "ledger": lambda: read_ledger(manifest),
        "verify": lambda: verify(OUT),
        "plan": lambda: read_plan(data, "train", 256),
        "plans": lambda: list(find_damaged_plans(OUT)),
        "passport": lambda: read_passport(Path()),
        "spec": lambda: read_toml(Path("spec.toml")),
        "tokenizer": lambda: read_file(tokenizer, "tokenizer.json"),
    }


def test_without_a_file_to_open_no_file_is_called_damaged(byte_tokenizer: Path) -> None:
    for name, read in readers(byte_tokenizer).items():
        raised: BaseException | None = None
        with files_left(0):
            try:
                read()
            except Exception as error:
                raised = error
        assert isinstance(raised, OSError), (name, raised)
        assert raised.errno == errno.EMFILE, (name, raised)


def test_without_memory_for_the_libraries_there_is_one_message() -> None:
    Path("out").mkdir()
    run = (
        "import resource; "
        "resource.setrlimit(resource.RLIMIT_AS, (150 << 20, 150 << 20)); "
        "from sftdata.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", run, "verify", "out"], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stderr[:12]) == (1, "Error E805: ")


def test_a_user_without_home_is_told_to_name_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # has no entry in the users' file
    with pytest.raises(SftdataError, match=r"no home folder.*\nSet XDG_CACHE_HOME") as raised:
        cache_folder()
    assert raised.value.code == "E801"


def test_the_home_of_an_unknown_user_is_a_name_like_others() -> None:
    with pytest.raises(SftdataError, match=r"no file .~nobody-of-this-name"):
        resolve_sources(["~nobody-of-this-name/a.jsonl"])
