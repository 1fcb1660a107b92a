"""sftdata train and audit on a command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.forked.shared import train_python


def sftdata(*args: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = train_python().run("sftdata", *args)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def adapter(dataset: Path, model_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("commands") / "adapter"
    done = sftdata(
        "train", dataset, "--model", model_directory, "--out", out, "--allow-draft",
        "--max-steps", 2, "--rank", 2, "--log-every", 1,
    )  # fmt: skip
    assert "Trained 2 steps" in done.stdout
    assert f"eval {dataset} --model {model_directory} --adapter {out}" in done.stdout
    assert "step 2/2  loss" in done.stderr
    assert "tokens/s" in done.stderr
    return out


def test_a_dry_run_prints_the_table_and_writes_nothing(
    dataset: Path, model_directory: Path
) -> None:
    done = sftdata("train", dataset, "--model", model_directory, "--dry-run", "--rank", 16)
    assert "model.layers.*.self_attn.q_proj" in done.stdout
    assert "trained" in done.stdout
    assert list(Path.cwd().iterdir()) == []


def test_a_dry_run_refuses_the_folders_that_training_refuses(
    dataset: Path, model_directory: Path
) -> None:
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    args = ("train", dataset, "--model", model_directory, "--rank", 2, "--out", "mine")
    dry, real = sftdata(*args, "--dry-run", code=1), sftdata(*args, code=1)
    assert "mine is neither empty nor a training run" in dry.stderr
    assert dry.stderr.splitlines()[-2:] == real.stderr.splitlines()[-2:]
    sftdata(*args[:-1], "new", "--dry-run")
    assert [path.name for path in Path.cwd().iterdir()] == ["mine"]


def test_an_audit_proves_or_exits_with_3(adapter: Path, dataset: Path) -> None:
    done = sftdata("audit", adapter, "--data", dataset, "--json")
    found = json.loads(done.stdout)
    assert (found["proved"], found["not_checked"]) == (True, [])
    assert "checked     weights, base model, dataset: same" in sftdata(
        "audit", adapter, "--data", dataset
    ).stdout  # fmt: skip
    weights = adapter / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = sftdata("audit", adapter, code=3)
    assert "not the weights recorded in sftdata.json" in done.stderr
    weights.write_bytes(content)


def test_without_an_out_it_is_a_usage_error(dataset: Path, model_directory: Path) -> None:
    done = sftdata("train", dataset, "--model", model_directory, code=2)
    assert "--out" in done.stderr
