"""A machine at its limits gives one message that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.few_files import files_left
from support.forked.shared import train_python

from sftdata.errors import SftdataError
from sftdata_train.resource_errors import explain_resource_errors


def test_out_of_memory_says_what_to_take_less_of() -> None:
    with (
        pytest.raises(SftdataError, match=r"Out of memory while training(?s:.*)--micro-batch 1"),
        explain_resource_errors("training"),
    ):
        torch.empty(1 << 60)


@pytest.mark.parametrize(
    ("act", "number"),
    [(lambda path: save_file({"a": torch.ones(9)}, path), 0), (load_file, 1)],
    ids=["save_file", "load_file"],
)
def test_a_refusal_that_a_library_tells_in_words_is_that_of_the_system(
    act: Callable[[Path], object], number: int, tmp_path: Path
) -> None:
    save_file({"a": torch.ones(9)}, tmp_path / "file")
    with (
        files_left(number),
        pytest.raises(OSError, match="Too many open files while saving") as error,
        explain_resource_errors("saving"),
    ):
        act(tmp_path / "file")
    assert error.value.errno == errno.EMFILE


def test_a_write_that_fails_without_a_reason_is_one_message() -> None:
    with (
        pytest.raises(SftdataError, match="The disk is full or failed while saving"),
        explain_resource_errors("saving"),
    ):
        torch.save({"a": torch.ones(999)}, "/dev/full")


def test_a_full_disk_is_one_message(dataset: Path, model_directory: Path, tmp_path: Path) -> None:
    script = (
        "import resource, sys\nfrom sftdata.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\nmain()"
    )
    done = train_python().run(
        "-c", script, "train", dataset, "--model", model_directory,
        "--out", tmp_path / "a", "--allow-draft", "--max-steps", "1", "--rank", "16",
    )  # fmt: skip
    assert done.returncode == 1
    assert "Error E" in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
