"""The files of a dataset on the Hub, read there as a user reads them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.forty_rows import build_rows, rows, write_spec

import sftdata
from sftdata.exporting.dataset_repository import dataset_repository
from sftdata.exporting.push import Content
from sftdata.inspecting.verify import find_faults
from sftdata.loading.dataset import load
from sftdata.loading.packing import plan_packs, write_plan


@pytest.fixture
def dataset(byte_tokenizer: Path) -> Path:
    write_spec(byte_tokenizer)
    build_rows(rows())
    return Path("out")


def download(files: dict[str, Content], folder: Path) -> Path:
    """A copy of the repository, as `snapshot_download` with `local_dir` makes it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return folder


def test_a_downloaded_copy_is_an_intact_dataset(dataset: Path, tmp_path: Path) -> None:
    data = load(dataset)
    write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 512))
    (dataset / "shards/notes.txt").write_text("mine")
    files = dict(dataset_repository(dataset, "me/made", tmp_path).files)
    copy = download(files, tmp_path / "copy")
    assert find_faults(copy, deep=True) == []
    assert [row.row_id for row in load(copy)["train"]] == [row.row_id for row in data["train"]]
    on_disk = {p.relative_to(dataset).as_posix() for p in dataset.rglob("*") if p.is_file()}
    assert on_disk - files.keys() == {".lock", "shards/notes.txt"}
    assert "packs/512-train.arrow" in files


def test_a_plan_of_another_build_stays_here(dataset: Path, tmp_path: Path) -> None:
    data = load(dataset)
    write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 512))
    build_rows(rows(39))
    assert not any("packs" in n for n in dataset_repository(dataset, "me/made", tmp_path).files)


def test_the_card_names_the_repository(dataset: Path, tmp_path: Path) -> None:
    card = dataset_repository(dataset, "me/made", tmp_path).files["README.md"]
    assert isinstance(card, bytes)
    assert 'load_dataset("me/made")' in card.decode()
    assert 'snapshot_download("me/made", repo_type="dataset", local_dir="made")' in card.decode()
    assert "DIRECTORY" not in card.decode()


def test_texts_go_along_as_parquet(dataset: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    files = dict(dataset_repository(dataset, "me/made", scratch, with_text=True).files)
    copy = download(files, tmp_path / "copy")
    data = sftdata.load(dataset)
    for split in ("train", "validation"):
        texts = pq.read_table(copy / f"text/{split}.parquet").to_pylist()
        assert [(row["row_id"], row["prompt"], row["target"]) for row in texts] == [
            (row.row_id, row.prompt, row.target) for row in data[split]
        ]


def test_the_card_loads_ids_and_texts(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    files = dict(dataset_repository(dataset, "me/made", tmp_path, with_text=True).files)
    copy = download(files, tmp_path / "copy")
    blocks = (copy / "README.md").read_text().split("```python\n")[1:3]
    code = "".join(block.partition("```")[0] for block in blocks)
    code = code.replace("hf://datasets/me/made", str(copy)).replace("me/made", str(copy))
    found: dict[str, Any] = {}
    exec(code, found)
    sizes = {name: len(split) for name, split in load(dataset).items() if len(split)}
    assert {name: split.num_rows for name, split in found["data"].items()} == sizes
    assert {name: split.num_rows for name, split in found["texts"].items()} == sizes
    assert found["texts"]["train"][0].keys() > {"input_ids", "labels", "prompt", "target"}


def test_a_card_of_the_user_goes_as_it_is(dataset: Path, tmp_path: Path) -> None:
    (dataset / "README.md").write_text("# Mine\n")
    said: list[str] = []
    files = dataset_repository(dataset, "me/made", tmp_path, report=said.append).files
    assert files["README.md"] == dataset / "README.md"
    assert said[0] == "out/README.md is not a dataset card of sftdata, so it is pushed as it is."


def test_paths_of_this_machine_are_named(
    dataset: Path, byte_tokenizer: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    dataset_repository(dataset, "me/made", tmp_path, report=said.append)
    assert said == [f"manifest.json shows paths of this machine: {byte_tokenizer}."]


def test_the_parts_of_a_mixture_go_along(tmp_path: Path) -> None:
    out = tmp_path / "mixed"
    sftdata.build("multitask", out=out, report=lambda line: None)
    files = dict(dataset_repository(out, "me/mixed", tmp_path).files)
    copy = download(files, tmp_path / "copy")
    shutil.rmtree(out)
    assert find_faults(copy) == []
