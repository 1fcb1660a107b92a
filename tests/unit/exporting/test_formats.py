"""Export: every format leaves files and a card, and a wrong request says what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sftdata.errors import SftdataError
from sftdata.exporting.formats import FORMATS, export
from sftdata.loading.dataset import Dataset
from sftdata.loading.packing import plan_packs, write_plan


@pytest.mark.parametrize("name", FORMATS)
def test_the_card_names_the_build_and_says_whether_the_mask_is_kept(
    data: Dataset, name: str
) -> None:
    for split in data:
        write_plan(data.manifest, split, plan_packs(data[split].lengths, 10))
    max_length = 10 if FORMATS[name].needs_pack_plan else None
    files = export(data.manifest.directory, name, Path("x"), max_length=max_length)
    assert len(files) > 1
    card = Path("x/README.md").read_text()
    assert data.manifest["build"] in card
    assert ("tokenizes it again" in card) != FORMATS[name].keeps_mask
    assert FORMATS[name].loading in card


def test_empty_splits_are_left_out(data: Dataset) -> None:
    files = export(data.manifest.directory, "trl", Path("x"))
    assert [path.name for path in files] == ["README.md", "test.parquet", "train.parquet"]


def test_an_unknown_format_ends_in_a_suggestion(data: Dataset) -> None:
    with pytest.raises(SftdataError, match=r"no format 'tlr'(?s:.*)Did you mean 'trl'"):
        export(data.manifest.directory, "tlr", Path("x"))


def test_packed_sequences_need_a_length(data: Dataset) -> None:
    with pytest.raises(SftdataError, match="--max-length"):
        export(data.manifest.directory, "megatron", Path("x"))


def test_files_that_are_there_are_not_overwritten(data: Dataset) -> None:
    Path("full").mkdir()
    Path("full/file").touch()
    with pytest.raises(SftdataError, match="not empty"):
        export(data.manifest.directory, "trl", Path("full"))


def test_a_failed_export_leaves_nothing_and_the_same_one_goes_on(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(rows: Dataset, splits: list[str], folder: Path, max_length: int | None) -> None:
        (folder / "train.jsonl").write_text('{"half": ')
        raise OSError(28, "No space left on device")

    whole = FORMATS["prompt-completion"]
    monkeypatch.setitem(FORMATS, whole.name, replace(whole, write=fail))
    with pytest.raises(OSError, match="No space left on device: 'x'"):
        export(data.manifest.directory, whole.name, Path("x"))
    assert not [*Path().glob("*x*")]
    monkeypatch.setitem(FORMATS, whole.name, whole)
    export(data.manifest.directory, whole.name, Path("x"))


def test_conversations_that_olmo_would_split_at_their_turns_are_counted(
    data: Dataset, two_answers: Dataset
) -> None:
    notes: list[str] = []
    export(data.manifest.directory, "olmo", Path("plain"), report=notes.append)
    assert notes == []
    export(two_answers.manifest.directory, "olmo", Path("chat"), report=notes.append)
    (note,) = notes
    assert note.startswith("1 of 2 examples hold EOS inside")
