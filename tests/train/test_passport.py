"""The passport of a run on a dataset in an object store, here in the memory of the process."""

from __future__ import annotations

from pathlib import Path

import fsspec

from sftdata.base.stores import StoredFolder
from sftdata.loading.dataset import load
from sftdata.writing.publish import publish
from sftdata_train.evaluating.run_record import describe_settings
from sftdata_train.passport import describe_run
from sftdata_train.training.recipe import Recipe


def test_a_stored_dataset_is_recorded_by_its_address(dataset: Path, model_directory: Path) -> None:
    address = "memory://made/news"
    publish(load(dataset).manifest, StoredFolder(address), None, lambda line: None)
    try:
        stored = load(address)
        said = describe_run(stored, "train", str(model_directory), Recipe(), {})
        assert said["data"]["address"] == address
        assert describe_settings(stored.manifest, None, {}, {})["dataset"]["folder"] == address
    finally:
        fsspec.filesystem("memory").store.clear()
    local = load(dataset)
    assert "address" not in describe_run(local, "train", str(model_directory), Recipe(), {})["data"]
    folder = describe_settings(local.manifest, None, {}, {})["dataset"]["folder"]
    assert folder == str(dataset)
