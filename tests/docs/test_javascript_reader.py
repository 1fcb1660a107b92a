"""The reader of docs/file-format.md in JavaScript: it reads every row as `sftdata.load` does."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.manifests import edit_manifest
from support.places import ROOT

from sftdata.base.sizes import Sizes
from sftdata.building.build import build_spec
from sftdata.loading.dataset import load
from sftdata.spec.load import load_spec

READER = ROOT / "docs" / "examples" / "read_dataset.mjs"
ARROW = "apache-arrow@21.2.0"
SIZES = Sizes(batch_rows=8, shard_tokens=4_000)  # so that few rows make several shards


@pytest.fixture(scope="session")
def packages() -> Path:
    """A folder with apache-arrow, which npm fetches once for all runs of the tests."""
    folder = Path(tempfile.gettempdir()) / f"sftdata-{ARROW}"
    if not folder.is_dir():
        if not shutil.which("node") or not shutil.which("npm"):
            pytest.skip("the reader in JavaScript needs node and npm, which are not here")
        new = Path(tempfile.mkdtemp())
        npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(new), ARROW]
        try:
            subprocess.run(npm, check=True, capture_output=True, timeout=120)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"npm cannot fetch {ARROW}")
        try:
            new.rename(folder)
        except OSError:
            assert folder.is_dir()  # another process was faster
    return folder


@pytest.fixture
def reader(packages: Path, tmp_path: Path) -> Path:
    """The reader beside `node_modules`, as a user has it."""
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "node_modules").symlink_to(packages / "node_modules")
    return Path(shutil.copy(READER, tmp_path / "js"))


def read(reader: Path, dataset: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", reader, dataset], capture_output=True, text=True, timeout=60, check=False
    )


def rows_of(dataset: Path) -> Iterator[dict[str, Any]]:
    for name, split in load(dataset).items():
        for row in split:
            yield {
                "split": name,
                "row_id": row.row_id,
                "template": row.template,
                **({} if row.task is None else {"task": row.task}),
                "input_ids": row.input_ids.tolist(),
                "labels": row.labels.tolist(),
                "target_start": row.target_start,
            }


def build(task: str, out: Path) -> Path:
    return build_spec(load_spec(task=task), out=out, sizes=SIZES).manifest.directory


@pytest.mark.parametrize("task", ["summarize", "chat", "multitask"])
def test_it_reads_every_row_as_python_does(task: str, reader: Path, tmp_path: Path) -> None:
    dataset = build(task, tmp_path / "set")
    done = read(reader, dataset)
    assert (done.returncode, done.stderr) == (0, "")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    expected = list(rows_of(dataset))
    assert len(expected) > 50
    assert found == expected
    shards = [s for split in load(dataset).manifest["splits"].values() for s in split["shards"]]
    assert len(shards) > 3


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _lead_out(dataset: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["splits"]["test"]["shards"][0]["path"] = "../elsewhere.arrow"

    shutil.copy(next(dataset.glob("shards/*/test-*")), dataset.parent / "elsewhere.arrow")
    edit_manifest(dataset, edit)


def test_it_refuses_damage_and_names_the_file(reader: Path, tmp_path: Path) -> None:
    whole = build("chat", tmp_path / "whole")
    harms = {
        "manifest.json: its digest differs": lambda out: _flip(out / "manifest.json"),
        "train-00000.arrow: not as the manifest records it": lambda out: _flip(
            next(out.glob("shards/*/train-00000.arrow"))
        ),
        "../elsewhere.arrow: outside the dataset": _lead_out,
    }
    for number, (message, harm) in enumerate(harms.items()):
        damaged = Path(shutil.copytree(whole, tmp_path / str(number)))
        harm(damaged)
        done = read(reader, damaged)
        assert done.returncode == 1
        assert done.stderr.startswith("Error: ")
        assert message in done.stderr
