"""Export: every format leaves files and a card, whole or not at all."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from support import handmade

from sftdata.base.conversation import Conversation, Turn
from sftdata.errors import SftdataError
from sftdata.exporting.export import Exported, export
from sftdata.exporting.formats import FORMATS
from sftdata.loading.conversations import ConversationRow
from sftdata.loading.dataset import Dataset
from sftdata.loading.packing import plan_packs, write_plan


def read_rows(data: Dataset) -> Iterator[ConversationRow]:
    talk = Conversation((Turn("user", "Hi"), Turn("assistant", "Ho")))
    return (ConversationRow(split, split, talk, frozenset({1})) for split in data)


def export_any(data: Dataset, name: str) -> Exported:
    for split in data:
        write_plan(data.manifest, split, plan_packs(data[split].lengths, 10))
    max_length = 10 if FORMATS[name].needs_pack_plan else None
    folder = data.manifest.directory
    return export(folder, name, Path("x"), max_length=max_length, read_rows=read_rows)


@pytest.mark.parametrize("name", FORMATS)
def test_the_card_names_the_build_the_loss_what_is_lacking_and_how_to_load_it(
    data: Dataset, name: str
) -> None:
    exported = export_any(data, name)
    assert len(exported.files) > 1
    card = Path("x/README.md").read_text()
    assert data.manifest["build"] in card
    assert ("tokenizes it again" in card) != FORMATS[name].keeps_mask
    assert exported.lacks in card
    assert exported.loading.replace("x/", "THIS_FOLDER/") in card or "THIS_FOLDER" in card
    shown = exported.loading
    assert not any(
        word in shown
        for word in ("THIS_FOLDER", "LONGEST", "PACK_LENGTH", "POWER_OF_2", "VALIDATION")
    )


@pytest.mark.parametrize("name", FORMATS)
def test_the_lines_that_load_it_name_only_files_that_are_there(data: Dataset, name: str) -> None:
    loading = export_any(data, name).loading
    assert "validation" not in data
    assert "validation" not in loading


@pytest.mark.parametrize("name", [n for n, item in FORMATS.items() if item.load_validation])
def test_a_validation_split_is_loaded_as_such(
    tmp_path: Path, byte_tokenizer: Path, name: str
) -> None:
    rows = [handmade.row("a", "a\n", "b"), handmade.row("b", "a\n", "b", split="validation")]
    data = handmade.write(tmp_path / "with_validation", byte_tokenizer, rows)
    loading = export_any(data, name).loading
    assert any(
        path.name in loading and path.name.startswith("validation.") for path in Path("x").iterdir()
    )


def test_limits_of_trainers_are_the_longest_example(data: Dataset) -> None:
    assert "sequence_len: 6 " in export_any(data, "axolotl").loading


def test_olmo_core_gets_a_power_of_two(data: Dataset) -> None:
    assert "sequence_length=8," in export_any(data, "olmo-core").loading


def test_empty_splits_are_left_out(data: Dataset) -> None:
    files = export(data.manifest.directory, "trl", Path("x")).files
    assert [path.name for path in files] == ["README.md", "test.parquet", "train.parquet"]


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


def _export_and_die(directory: Path) -> None:
    def die(rows: Dataset, splits: list[str], folder: Path, max_length: int | None) -> None:
        (folder / "train.jsonl").write_text('{"prompt": "whole", "completion": "line"}\n')
        os.kill(os.getpid(), signal.SIGKILL)

    FORMATS["jsonl"] = replace(FORMATS["jsonl"], write=die)
    export(directory, "jsonl", Path("x"))


def test_a_killed_export_is_not_there_and_the_same_one_goes_on(data: Dataset) -> None:
    child = get_context("fork").Process(target=_export_and_die, args=(data.manifest.directory,))
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    assert not Path("x").exists()
    assert [*Path().glob(".x*/train.jsonl")]  # not a name that a trainer is given
    export(data.manifest.directory, "jsonl", Path("x"))
    assert not [*Path().glob(".x*")]


@pytest.mark.parametrize(
    ("name", "note"),
    [("olmo-core", "1 of 2 examples hold EOS inside"), ("messages", None), ("mds", None)],
)
def test_examples_that_a_trainer_reads_otherwise_are_counted(
    data: Dataset, two_answers: Dataset, name: str, note: str | None
) -> None:
    notes: list[str] = []
    export(data.manifest.directory, name, Path("p"), report=notes.append, read_rows=read_rows)
    assert notes == []
    folder = two_answers.manifest.directory
    export(folder, name, Path("chat"), report=notes.append, read_rows=read_rows)
    assert [text.startswith(note or "-") for text in notes] == [True] * (note is not None)
