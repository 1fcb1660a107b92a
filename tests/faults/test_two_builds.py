"""Two builds in one directory at the same time: one after the other, never a mixture."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from itertools import cycle, islice
from pathlib import Path

import pytest
from support.kills import (
    change_rows,
    digests_of,
    files_of,
    make_rows,
    manifest_of,
    write_rows,
    write_spec,
)

from sftdata import build
from sftdata.errors import SftdataError

IS_WHOLE = os.environ.get("SFTDATA_FAULTS") == "all"
WRITERS, ROUNDS = (8, 50) if IS_WHOLE else (3, 1)


def race(*specs: Path, out: Path) -> list[tuple[int, str]]:
    """Exit code and messages of builds that are started together."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "sftdata", "build", "--spec", spec, "--out", out],
            env=os.environ | {"NO_COLOR": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for spec in specs
    ]
    return [(p.returncode, err) for p in processes for _, err in [p.communicate(timeout=60)]]


@pytest.fixture
def specs(tmp_path: Path) -> tuple[Path, Path]:
    rows = make_rows(600, 1, words=30)
    made = []
    for name, golden in (("a", rows), ("b", change_rows(rows, 2, words=30))):
        data = write_rows(tmp_path / f"{name}.jsonl", golden)
        made.append(write_spec(tmp_path / f"{name}.toml", data, tokenizer="tokenizers/small"))
    return made[0], made[1]


def test_two_builds_of_other_data_leave_one_of_the_two(
    specs: tuple[Path, Path], tmp_path: Path
) -> None:
    undisturbed = []
    for spec in specs:
        build(spec=spec, out=tmp_path / spec.stem)
        undisturbed.append(files_of(tmp_path / spec.stem))
    out = tmp_path / "out"
    for _ in range(3):
        for code, stderr in race(*specs, out=out):
            assert code == 0, stderr
        manifest = manifest_of(out)
        assert manifest is not None
        assert files_of(out) in undisturbed


def test_readers_see_a_whole_dataset_while_several_builds_replace_it(
    specs: tuple[Path, Path], tmp_path: Path
) -> None:
    from sftdata.loading.dataset import load

    out = tmp_path / "out"
    known = {build(spec=spec, out=out).manifest["build"] for spec in specs}
    faults: list[str] = []
    seen: Counter[str] = Counter()
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            try:
                data = load(out)
                rows = len(data["train"].to_batch().row_id)
            except SftdataError as error:
                if error.code != "E707":  # replaced between the manifest and its shards
                    faults.append(str(error))
                continue
            if data.manifest["build"] not in known or not rows:
                faults.append(f"{data.manifest['build']}, {rows} rows")
            seen[data.manifest["build"]] += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(ROUNDS):
            for code, stderr in race(*islice(cycle(specs), WRITERS), out=out):
                assert code == 0, stderr
    finally:
        is_over.set()
        reader.join()
    assert faults == []
    assert seen.total() > 0
    assert manifest_of(out) is not None


def test_two_builds_of_the_same_data_leave_that_data_set(
    specs: tuple[Path, Path], tmp_path: Path
) -> None:
    spec, other = specs
    build(spec=spec, out=tmp_path / "undisturbed")
    for start in ("empty", "over another"):
        out = tmp_path / start
        if start == "over another":
            build(spec=other, out=out)
        for code, stderr in race(spec, spec, spec, out=out):
            assert code == 0, stderr
        assert files_of(out) == files_of(tmp_path / "undisturbed")


def test_a_reader_that_opened_the_old_data_set_keeps_it(
    specs: tuple[Path, Path], tmp_path: Path
) -> None:
    from sftdata.loading.dataset import load

    out = tmp_path / "out"
    old = build(spec=specs[0], out=out).manifest
    opened = load(out)["train"]
    before = opened.to_batch().input_ids.tolist()
    new = build(spec=specs[1], out=out).manifest
    assert digests_of(new) != digests_of(old)
    assert opened.to_batch().input_ids.tolist() == before
