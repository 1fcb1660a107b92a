"""The audit: what is not found is not checked, and the base model is found from anywhere."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.manifests import write_sealed

from sftdata.cli.audit import command
from sftdata.errors import SftdataError, VerificationError
from sftdata.serving.passport import Passport, read_passport
from sftdata_train.audit import Audit, audit_adapter
from sftdata_train.generating.answering import answer
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare


@pytest.fixture(scope="module")
def trained(dataset: Path, model_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `model` and `adapter`, trained with a relative path to the model."""
    folder = tmp_path_factory.mktemp("audit")
    shutil.copytree(model_directory, folder / "model")
    before = Path.cwd()
    os.chdir(folder)
    try:
        train(prepare(dataset, "model", load_recipe(None, max_steps=1, rank=2)), Path("adapter"))
    finally:
        os.chdir(before)
    return folder


def audit(*arguments: object) -> tuple[str, Exception | None]:
    result = CliRunner().invoke(command, [*map(str, arguments)])
    return result.stdout, result.exception if isinstance(result.exception, Exception) else None


def test_paths_are_absolute_in_the_passport_and_for_peft(trained: Path) -> None:
    model = str(trained / "model")
    assert read_passport(trained / "adapter")["base_model"]["name"] == model
    config = json.loads((trained / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == model
    printed, error = audit(trained / "adapter")  # from another working folder
    assert error is None
    assert re.search(r"steps +1, held-out loss \d+\.\d{4} before, \d+\.\d{4} after\n", printed)
    assert "checked     weights, base model: same as in the training" in printed
    assert "not checked dataset" in printed


def test_a_base_model_that_is_not_found_is_not_checked(trained: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(trained, tmp_path / "copy"))
    moved = copy / "model"
    path = copy / "adapter" / "sftdata.json"
    moved_text = path.read_text().replace(str(trained / "model"), str(tmp_path / "gone"))
    write_sealed(path, json.loads(moved_text))
    printed, error = audit(copy / "adapter")
    assert "checked     weights: same as in the training" in printed
    assert "not checked base model: '" in printed
    assert isinstance(error, VerificationError)
    assert error.exit_code == 3
    assert str(error).endswith(f"sftdata audit {copy / 'adapter'} --model DIR_OR_NAME")
    found = json.loads(audit(copy / "adapter", "--json")[0])
    assert (found["proved"], len(found["not_checked"])) == (False, 1)
    assert audit(copy / "adapter", "--model", moved)[1] is None
    (moved / "model.safetensors").unlink()
    assert audit_adapter(read_passport(copy / "adapter"), model=str(moved)).not_checked == [
        f"base model: {moved} has no model.safetensors"
    ]


def test_another_base_model_is_found_by_the_audit_and_refused(
    trained: Path, copied_model: Path
) -> None:
    config = copied_model / "config.json"
    config.write_text(config.read_text() + "\n")
    error = audit(trained / "adapter", "--model", copied_model)[1]
    assert isinstance(error, VerificationError)
    assert f"{config}: not the base model of the training" in str(error)
    with pytest.raises(SftdataError, match="not the base model of the training"):
        answer(trained / "adapter", {"article": "x"}, model=str(copied_model))


def test_a_model_of_the_hub_is_checked_in_the_cache(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789012345678901234567890123456789"
    snapshot = tmp_path / "hub" / "models--me--tiny" / "snapshots" / commit
    shutil.copytree(trained / "model", snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    content = dict(read_passport(trained / "adapter").content)
    content["base_model"] |= {"name": "me/tiny", "revision": commit}
    passport = Passport(trained / "adapter", content)
    assert audit_adapter(passport) == Audit([], [])
    (snapshot / "config.json").write_text("{}")
    (found,) = audit_adapter(passport).contradictions
    assert found.startswith(f"{snapshot / 'config.json'}: not the base model")
    content["base_model"]["revision"] = "another"
    (said,) = audit_adapter(passport).not_checked
    assert said == "base model: 'me/tiny' is neither a folder here nor in the Hub's cache"


def test_every_file_of_an_adapter_is_under_a_digest(trained: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(trained / "adapter", tmp_path / "copy"))
    names = [p.relative_to(copy).as_posix() for p in sorted(copy.rglob("*")) if p.is_file()]
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} < set(names)
    for name in set(names) - {"README.md"}:
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
        error = audit(copy)[1]
        assert isinstance(error, VerificationError), name
        assert f"{name}: " in str(error)
        (copy / name).unlink()
        error = audit(copy)[1]
        assert isinstance(error, SftdataError), name
        assert name in str(error)
        (copy / name).write_bytes(content)
    assert audit(copy)[1] is None


@pytest.mark.parametrize("name", ["adapter_model.bin", "modeling.py", "generation_config.json"])
def test_a_file_that_loading_may_read_is_no_stranger(
    name: str, trained: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(trained / "adapter", tmp_path / "copy"))
    (copy / "notes.txt").write_text("mine")
    assert audit(copy)[1] is None
    (copy / name).write_text("{}")
    error = audit(copy)[1]
    assert isinstance(error, VerificationError)
    assert f"{name}: a file that sftdata.json does not record" in str(error)


def test_a_passport_of_an_earlier_version_records_the_weights_alone(
    trained: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(trained / "adapter", tmp_path / "copy"))
    content = json.loads((copy / "sftdata.json").read_bytes())
    older = {key: content[key] for key in content if key not in ("files", "own_sha256")}
    (copy / "sftdata.json").write_text(json.dumps(older))
    assert audit(copy)[1] is None


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("weights", {"../x": "0" * 64}, "'weights' is '../x', not a plain name"),
        ("files", {"/etc/passwd": "0" * 64}, "'files' is '/etc/passwd', not a path inside"),
        ("stop_ids", "x", "'stop_ids' is 'x', not a list"),
        ("data", [], "'data' is [], not an object"),
    ],
)
def test_a_key_of_a_passport_with_a_wrong_type_is_named(
    key: str, value: object, message: str, trained: Path, tmp_path: Path
) -> None:
    content = json.loads((trained / "adapter" / "sftdata.json").read_bytes())
    write_sealed(tmp_path / "sftdata.json", content | {key: value})
    with pytest.raises(SftdataError, match=re.escape(message)):
        read_passport(tmp_path)
