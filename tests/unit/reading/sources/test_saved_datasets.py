"""Folders of `datasets`: their splits and files, and what cannot be read as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.sources.saved_datasets import list_files, list_splits


def save_state(**more: object) -> Path:
    folder = Path("saved")
    folder.mkdir()
    state = {"_data_files": [{"filename": "data-0.arrow"}, {"filename": "data-1.arrow"}], **more}
    (folder / "state.json").write_text(json.dumps(state))
    return folder


def test_the_files_of_a_set_are_in_the_order_of_its_state() -> None:
    folder = save_state(_split="train", _format_columns=["a"])
    assert list_files("saved", folder) == (folder / "data-0.arrow", folder / "data-1.arrow")


@pytest.mark.parametrize("key", ["_indices_data_files", "_indices_files"])
def test_a_selection_of_the_rows_is_refused(key: str) -> None:
    folder = save_state(**{key: [{"filename": "indices.arrow"}]})
    with pytest.raises(GoldenSetError, match=r"selection of the rows(?s:.*)flatten_indices"):
        list_files("saved", folder)


def test_indices_of_null_are_no_selection() -> None:
    assert len(list_files("saved", save_state(_indices_data_files=None))) == 2


def test_a_dictionary_has_splits_and_another_folder_has_none() -> None:
    assert list_splits(save_state()) is None
    Path("saved/dataset_dict.json").write_text('{"splits": ["train", "dev"]}')
    assert list_splits(Path("saved")) == ["train", "dev"]


@pytest.mark.parametrize("content", ["{", "{}", '{"_data_files": [1]}'])
def test_a_damaged_state_is_named(content: str) -> None:
    save_state()
    Path("saved/state.json").write_text(content)
    with pytest.raises(GoldenSetError, match=r"saved/state\.json(?s:.*)Save the dataset again"):
        list_files("saved", Path("saved"))
