"""The folder of a run: one process at a time, and no leftovers of a killed one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sftdata.errors import SftdataError
from sftdata_train.training.recipe import Recipe
from sftdata_train.training.run_folder import (
    RUN,
    check_run_folder,
    is_finished,
    open_run_folder,
    remove_run_files,
    select_settings,
)

SETTINGS = {"data": {"build": "b"}, "recipe": {"rank": 2}}


def open_folder(out: Path) -> None:
    with open_run_folder(out, SETTINGS, is_first_rank=True):
        pass


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        open_run_folder(tmp_path / "a", SETTINGS, is_first_rank=True),
        pytest.raises(SftdataError, match="Another process writes"),
    ):
        open_folder(tmp_path / "a")
    open_folder(tmp_path / "a")


def test_the_other_ranks_of_a_run_do(tmp_path: Path) -> None:
    with open_run_folder(tmp_path, SETTINGS, is_first_rank=True):
        with open_run_folder(tmp_path, SETTINGS, is_first_rank=False):
            pass
        check_run_folder(tmp_path, SETTINGS)


def test_a_run_that_died_before_its_first_file_leaves_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".run.json.123").write_text("{")
    check_run_folder(tmp_path, SETTINGS)


def test_a_run_that_died_after_its_passport_is_finished_by_the_same_command(
    tmp_path: Path,
) -> None:
    open_folder(tmp_path)
    (tmp_path / "sftdata.json").write_text("{}")
    (tmp_path / "checkpoints/checkpoint-2").mkdir(parents=True)
    check_run_folder(tmp_path, SETTINGS)
    with pytest.raises(SftdataError, match="finished adapter"):
        check_run_folder(tmp_path, SETTINGS | {"recipe": {"rank": 3}})
    assert is_finished(tmp_path)
    remove_run_files(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sftdata.json"]
    with pytest.raises(SftdataError, match="finished adapter"):
        check_run_folder(tmp_path, SETTINGS)


def test_damaged_settings_are_written_again(tmp_path: Path) -> None:
    open_folder(tmp_path)
    whole = (tmp_path / RUN).read_bytes()
    (tmp_path / RUN).write_bytes(whole.replace(b'"rank": 2', b'"rank": 3'))
    check_run_folder(tmp_path, SETTINGS)
    open_folder(tmp_path)
    assert (tmp_path / RUN).read_bytes() == whole


def settings(monkeypatch: pytest.MonkeyPatch, ranks: int, **changes: Any) -> dict[str, Any]:
    monkeypatch.setenv("WORLD_SIZE", str(ranks))
    recipe = Recipe(**changes).model_dump(mode="json")
    parts: dict[str, Any] = {"data": {}, "templates": {}, "base_model": {}}
    return select_settings({**parts, "recipe": recipe})


def test_a_run_resumes_on_other_ranks_where_a_step_keeps_its_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = settings(monkeypatch, 1, micro_batch=4, accumulate=4)
    assert alone["rows of a step"] == 16
    assert settings(monkeypatch, 2, micro_batch=4, accumulate=2) == alone
    assert settings(monkeypatch, 4, micro_batch=2, accumulate=2) == alone
    assert settings(monkeypatch, 2, micro_batch=4, accumulate=4) != alone
    assert settings(monkeypatch, 1, micro_batch=4, accumulate=4, seed=1) != alone


@pytest.mark.parametrize(
    "change", [{"dropout": 0.1}, {"model_dropout": True}, {"router_loss": True}]
)
def test_what_depends_on_the_ranks_keeps_their_number(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    alone = settings(monkeypatch, 1, micro_batch=4, accumulate=4, **change)
    assert settings(monkeypatch, 2, micro_batch=4, accumulate=2, **change) != alone
