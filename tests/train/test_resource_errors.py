"""A machine at its limits gives one message that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.forked.shared import train_python

from sftdata.errors import SftdataError
from sftdata_train.resource_errors import explain_resource_errors


def test_out_of_memory_says_what_to_take_less_of() -> None:
    with (
        pytest.raises(SftdataError, match=r"Out of memory while training(?s:.*)--micro-batch 1"),
        explain_resource_errors("training"),
    ):
        torch.empty(1 << 60)


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
