"""Content: the user's own pipelines and templates come before the bundled ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.base.content import (
    bundled_root,
    content_folders,
    find_content,
    in_project,
    list_content,
    project_root,
)


def test_a_file_of_the_users_hides_the_bundled_one_of_the_same_name() -> None:
    bundled = find_content("pipelines", "qa.toml")
    assert bundled == bundled_root() / "pipelines" / "qa.toml"
    own = Path.cwd() / "pipelines" / "qa.toml"
    own.parent.mkdir()
    own.touch()
    assert find_content("pipelines", "qa.toml") == own
    assert find_content("pipelines", "nope.toml") is None
    assert content_folders("pipelines") == [own.parent, bundled_root() / "pipelines"]


def test_names_of_both_are_listed_once() -> None:
    Path("pipelines").mkdir()
    for name in ("mine", "qa"):
        Path("pipelines", f"{name}.toml").touch()
    names = list_content("pipelines", "*.toml")
    assert names == sorted(set(names))
    assert {"mine", "qa", "summarize"} <= set(names)


def test_the_project_is_the_nearest_folder_upwards_with_specs_or_templates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = Path.cwd()
    (root / "pipelines").mkdir()
    (root / "pipelines" / "mine.toml").touch()
    (root / "sub/deep/templates").mkdir(parents=True)  # empty: of another program, perhaps
    (root / "sub/deep/er").mkdir()
    monkeypatch.chdir("sub/deep/er")
    assert project_root() == root
    assert in_project("data/mine") == Path("../../../data/mine")
    assert content_folders("pipelines")[0] == root / "pipelines"
    assert "mine" in list_content("pipelines", "*.toml")
    (root / "sub/deep/templates/qa").mkdir()
    (root / "sub/deep/templates/qa/own.jinja").touch()
    assert project_root() == root / "sub/deep"


def test_without_specs_or_templates_the_working_directory_is_the_project() -> None:
    assert project_root() == Path.cwd()
    assert in_project("data/mine") == Path("data/mine")
    Path("templates").mkdir()
    assert project_root() == Path.cwd()
