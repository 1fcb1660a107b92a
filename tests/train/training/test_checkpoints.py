"""A damaged, partial or foreign checkpoint is never resumed from; the result stays the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sftdata.base.sealed_json import parse
from sftdata.errors import SftdataError
from sftdata.serving.passport import read_passport
from sftdata_train.training import train as train_module
from sftdata_train.training.checkpoints import SEAL, choose_checkpoint, find_fault, seal_checkpoint
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.trainer import ExactTrainer
from sftdata_train.training.training_run import prepare

OPTIONS: dict[str, Any] = {
    "rank": 4, "learning_rate": 1e-2, "accumulate": 2, "log_every": 1, "max_steps": 6,
    "save_every": 2,
}  # fmt: skip
WEIGHTS = "adapter_model.safetensors"


def run_here(
    dataset: Path, model: Path, out: Path, stop: str | None = None, **changes: Any
) -> list[str]:
    """Trains, up to the line that starts with `stop`; the lines."""
    said, recipe = list[str](), load_recipe(None, **OPTIONS | changes)

    def report(line: str) -> None:
        said.append(line)
        if stop is not None and line.startswith(stop):
            raise KeyboardInterrupt

    train(prepare(dataset, str(model), recipe, allow_draft=True), out, report)
    return said


@pytest.fixture(scope="module")
def interrupted(
    dataset: Path, model_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run that ended in step 5, after the checkpoints of steps 2 and 4."""
    out = tmp_path_factory.mktemp("checkpoints") / "out"
    with pytest.raises(KeyboardInterrupt):
        run_here(dataset, model_directory, out, stop="step 5/6")
    return out


@pytest.fixture
def out(interrupted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted, tmp_path / "out"))


@pytest.fixture
def settings(interrupted: Path) -> str:
    seal = parse((interrupted / "checkpoints/checkpoint-4" / SEAL).read_bytes())
    return str(seal["settings"])


def last(out: Path) -> Path:
    return out / "checkpoints/checkpoint-4"


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def test_the_newest_intact_checkpoint_is_chosen(out: Path, settings: str) -> None:
    found = choose_checkpoint(out, settings)
    assert (found.checkpoint, found.unused) == (last(out), {})
    assert json.loads((last(out) / "trainer_state.json").read_text())["global_step"] == 4


FILES = [
    WEIGHTS, "adapter_config.json", "optimizer.pt", "scheduler.pt", "rng_state.pth",
    "trainer_state.json", "training_args.bin", SEAL,
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["flipped", "cut", "zeros", "missing", "stale"])
def test_any_damage_is_found_and_the_one_before_is_chosen(
    damage: str, name: str, out: Path, settings: str
) -> None:
    path = last(out) / name
    before = path.read_bytes()
    match damage:
        case "flipped":
            flip_bit(path)
        case "cut":
            path.write_bytes(before[:-1])
        case "zeros":
            path.write_bytes(bytes(len(before)))
        case "missing":
            path.unlink()
        case "stale":
            shutil.copy(out / "checkpoints/checkpoint-2" / name, path)
    if path.exists() and path.read_bytes() == before:  # the same in both, such as the settings
        assert choose_checkpoint(out, settings).checkpoint == last(out)
        return
    found = choose_checkpoint(out, settings)
    assert found.checkpoint == out / "checkpoints/checkpoint-2"
    assert list(found.unused) == [last(out)]


def test_a_file_more_and_a_checkpoint_under_another_name_are_found(
    out: Path, settings: str
) -> None:
    (last(out) / "pytorch_model.bin").write_bytes(b"")
    assert find_fault(last(out), settings) == "pytorch_model.bin does not belong to it"
    shutil.copytree(out / "checkpoints/checkpoint-2", out / "checkpoints/checkpoint-6")
    found = choose_checkpoint(out, settings)
    assert found.unused[out / "checkpoints/checkpoint-6"] == "it is the checkpoint of step 2"
    assert found.checkpoint == out / "checkpoints/checkpoint-2"


def test_a_checkpoint_of_another_run_is_not_used(out: Path) -> None:
    with pytest.raises(SftdataError, match=r"none is intact(?s:.*)other settings"):
        choose_checkpoint(out, "0" * 64)


def test_damage_to_all_is_refused_and_unfinished_ones_are_not_damage(
    out: Path, settings: str
) -> None:
    (last(out) / SEAL).unlink()
    flip_bit(out / "checkpoints/checkpoint-2/optimizer.pt")
    with pytest.raises(SftdataError, match=r"checkpoint-2: optimizer.pt is damaged"):
        choose_checkpoint(out, settings)
    (out / "checkpoints/checkpoint-2" / SEAL).unlink()
    found = choose_checkpoint(out, settings)
    assert found.checkpoint is None
    assert set(found.unused.values()) == {"it was never finished"}


def test_early_stopping_needs_its_best_checkpoint(out: Path, settings: str) -> None:
    state = last(out) / "trainer_state.json"
    best = out / "checkpoints/checkpoint-2"
    state.write_text(json.dumps({"best_model_checkpoint": str(best)}))
    seal_checkpoint(last(out), settings)
    assert choose_checkpoint(out, settings).checkpoint == last(out)
    flip_bit(best / WEIGHTS)
    with pytest.raises(SftdataError, match=r"needs checkpoint-2: adapter_model.safetensors is dam"):
        choose_checkpoint(out, settings)


def test_a_run_that_falls_back_says_so_and_gives_the_same_weights(
    out: Path, dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    flip_bit(last(out) / WEIGHTS)
    said = run_here(dataset, model_directory, out)
    assert f"{last(out)} is not used: {WEIGHTS} is damaged (its digest differs)" in said
    assert f"resuming from {out / 'checkpoints/checkpoint-2'}" in said
    run_here(dataset, model_directory, tmp_path / "undisturbed")
    assert (out / WEIGHTS).read_bytes() == (tmp_path / "undisturbed" / WEIGHTS).read_bytes()
    assert not (out / "checkpoints").exists()


def die_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_module, "save_run", _die)


def die_before_the_best_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExactTrainer, "_load_best_model", _die)


def die_before_an_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = ExactTrainer.evaluate

    def evaluate_once(self: ExactTrainer, *args: Any, **kwargs: Any) -> Any:
        return _die() if self.state.global_step else evaluate(self)

    monkeypatch.setattr(ExactTrainer, "evaluate", evaluate_once)


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("die", "changes"),
    [
        (die_in_the_end, {"schedule": "constant"}),  # a step more would change the weights
        (die_before_an_evaluation, {"save_every": 1, "micro_batch": 16}),  # at the end of an epoch
        (
            die_before_the_best_weights,
            {"learning_rate": 1.0, "schedule": "constant", "evaluate_every": 1, "early_stop": 1},
        ),
    ],
)
def test_a_run_that_dies_after_a_checkpoint_takes_no_step_more_and_has_each_evaluation(
    die: Callable[[pytest.MonkeyPatch], None],
    changes: dict[str, Any],
    dataset: Path,
    model_directory: Path,
    tmp_path: Path,
) -> None:
    found, expected = tmp_path / "found", tmp_path / "expected"
    run_here(dataset, model_directory, expected, **changes)
    with pytest.MonkeyPatch.context() as patch:
        die(patch)
        with pytest.raises(KeyboardInterrupt):
            run_here(dataset, model_directory, found, **changes)
    assert any(found.glob("checkpoints/*/sealed.json"))
    run_here(dataset, model_directory, found, **changes)
    assert (found / WEIGHTS).read_bytes() == (expected / WEIGHTS).read_bytes()
    assert (found / "loss.svg").read_bytes() == (expected / "loss.svg").read_bytes()
    outcomes = [read_passport(out)["outcome"] for out in (found, expected)]
    assert outcomes[0] == outcomes[1]
