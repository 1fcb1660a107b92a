"""Recipes: all faults at once, and the project's own recipes are valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.cli.train import command
from sftdata.errors import SftdataError
from sftdata_train.training.recipe import Recipe, load_recipe


def test_a_recipe_tells_all_its_faults_at_once(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("rank = 0\nlearning_rat = 1\n")
    with pytest.raises(SftdataError) as caught:
        load_recipe(path, epochs="many")
    assert str(caught.value).splitlines() == [
        f"Faults in {path} and the options given:",
        "  rank: must be at least 1 (is 0)",
        "  epochs: must be a number (is 'many')",
        "  learning_rat: unknown key. Did you mean 'learning_rate'?",
    ]


def test_options_without_a_file_are_checked_too() -> None:
    with pytest.raises(SftdataError, match="Faults in the options given:\n  rank: must be at lea"):
        load_recipe(rank=0)


@pytest.mark.parametrize("name", ["lora", "qlora", "full"])
def test_the_recipes_of_the_project_are_recipes(name: str) -> None:
    folder = Path(__file__).resolve().parents[3] / "train" / "recipes"
    assert load_recipe(folder / f"{name}.toml").method == name
    assert load_recipe(folder / "lora.toml") == Recipe()


def test_the_help_of_train_gives_the_defaults_of_a_recipe() -> None:
    """Each option of a setting whose default is a number or a word ends with it."""
    helps = {option.name: getattr(option, "help", None) or "" for option in command.params}
    for name, default in Recipe().model_dump().items():
        if default is None or isinstance(default, bool | tuple):
            continue
        told = helps[name].rpartition("Default: ")[2].removesuffix(".")
        assert type(default)(told) == default, name
