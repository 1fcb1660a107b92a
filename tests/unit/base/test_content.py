"""Content: the user's own pipelines and templates come before the bundled ones."""

from __future__ import annotations

from pathlib import Path

from sftdata.base.content import bundled_root, content_folders, find_content, list_content


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
