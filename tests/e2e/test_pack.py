"""sftdata pack on a command line: what it prints, writes and says about mistakes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.forked.shared import data_python


def sftdata(*args: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = data_python().run("sftdata", *args)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def data() -> Path:
    sftdata("build", "--task", "summarize", "--out", "out")
    return Path("out")


def test_every_split_is_packed_and_the_efficiency_printed(data: Path) -> None:
    done = sftdata("pack", data, "--max-length", 2048)
    assert "efficiency" in done.stdout
    assert sorted(p.name for p in (data / "packs").glob("*.arrow")) == [
        "2048-test.arrow", "2048-train.arrow", "2048-validation.arrow",
    ]  # fmt: skip
    assert sftdata("verify", data, "--deep").returncode == 0


def test_json_has_the_numbers(data: Path) -> None:
    done = sftdata("pack", data, "--max-length", 4096, "--split", "train", "--json")
    facts = json.loads(done.stdout)
    assert facts["rows"] > facts["packs"] >= facts["lower_bound"]
    assert Path(facts["path"]).is_file()


def test_rows_that_are_too_long_and_a_wrong_split_are_errors(data: Path) -> None:
    assert "rows are longer than 50" in sftdata("pack", data, "--max-length", 50, code=1).stderr
    done = sftdata("pack", data, "--max-length", 4096, "--split", "trian", code=1)
    assert "Did you mean 'train'?" in done.stderr
