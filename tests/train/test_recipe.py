"""Recipes: all faults at once, and the project's own recipes are valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.errors import SftdataError
from sftdata_train.recipe import Recipe, load_recipe


def test_a_recipe_tells_all_its_faults_at_once(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("rank = 0\nlearning_rat = 1\n")
    with pytest.raises(SftdataError, match=r"rank(?s:.*)learning_rat"):
        load_recipe(path)


@pytest.mark.parametrize("name", ["lora", "qlora", "full"])
def test_the_recipes_of_the_project_are_recipes(name: str) -> None:
    folder = Path(__file__).resolve().parents[2] / "train" / "recipes"
    assert load_recipe(folder / f"{name}.toml").method == name
    assert load_recipe(folder / "lora.toml") == Recipe()
