"""Two builds in one directory at the same time: one after the other, never a mixture."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
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
from support.loads import Load, Tally

from sftdata import build
from sftdata.errors import SftdataError


def start(spec: Path, out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sftdata", "build", "--spec", spec, "--out", out],
        env=os.environ | {"NO_COLOR": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and messages."""
    _, stderr = process.communicate(timeout=300)
    return process.returncode, stderr


def race(*specs: Path, out: Path) -> list[tuple[int, str]]:
    """Exit code and messages of builds that are started together."""
    return [end(process) for process in [start(spec, out) for spec in specs]]


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
    specs: tuple[Path, Path], tmp_path: Path, load: Load, tally: Tally
) -> None:
    """The last writer wins, and what it leaves is an undisturbed dataset."""
    writers = 3 if load.is_quick else 8
    out = tmp_path / "out"
    known = {}
    for spec in specs:
        name = build(spec=spec, out=out).manifest["build"]
        known[name] = files_of(out)
    with reading(out, set(known), tally) as seen:
        for _ in range(load.count(50, 1)):
            for code, stderr in race(*islice(cycle(specs), writers), out=out):
                tally.add("writers of one dataset", "at once", stderr if code else None)
            manifest = manifest_of(out)
            assert manifest is not None
            left = files_of(out) == known[manifest["build"]]
            tally.add("rounds", "at once", None if left else "not an undisturbed dataset")
    assert seen.total() > 0
    tally.check()


def test_two_projects_share_a_cache(
    tmp_path: Path, load: Load, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Builds in two folders at the same time, which find and write the same cache entries."""
    projects, undisturbed = [], []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        data = write_rows(folder / "rows.jsonl", make_rows(100, len(name), words=12))
        projects.append(write_spec(folder / "spec.toml", data, tokenizer="tokenizers/small"))
        build(spec=projects[-1], out=folder / "alone")
        undisturbed.append(files_of(folder / "alone"))
    for number in range(load.count(50, 1)):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache-{number}"))  # empty
        running = [start(spec, spec.parent / "out") for spec in projects for _ in range(2)]
        ends = [end(process) for process in running]
        for spec, files in zip(projects, undisturbed, strict=True):
            problem = next((stderr for code, stderr in ends if code), None)
            if files_of(spec.parent / "out") != files:
                problem = "not the undisturbed dataset"
            tally.add("projects with one new cache", "at once", problem)
            shutil.rmtree(spec.parent / "out")
    tally.check()


@contextmanager
def reading(out: Path, known: set[str], tally: Tally) -> Iterator[Counter[str]]:
    """Reads the dataset in a loop; counts what is read by the build that it is of."""
    from sftdata.loading.dataset import load as load_dataset

    seen: Counter[str] = Counter()
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            problem = None
            try:
                data = load_dataset(out)
                rows = len(data["train"].to_batch().row_id)
            except SftdataError as error:
                if error.code == "E707":  # replaced between the manifest and its shards
                    continue
                problem = str(error)
            else:
                seen[data.manifest["build"]] += 1
                if data.manifest["build"] not in known or not rows:
                    problem = f"{data.manifest['build']}, {rows} rows"
            tally.add("reads", "at once", problem)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
    finally:
        is_over.set()
        reader.join()


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
