"""Check: damage by hand, changes since a commit or a version, and changes not yet released."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.releases import (
    ID,
    LOCK,
    SOURCE,
    commit_all,
    error_rules,
    lock_lines,
    release_edits,
    run_git,
    write_source,
)

from sftdata.errors import TemplateError
from sftdata.versioning.check import check
from sftdata.versioning.lockfile import read_lock
from sftdata.versioning.release import release


def edit_released() -> None:
    path = Path("templates/news/released/short@1.0.0.jinja")
    path.write_text(path.read_text().replace("Article", "Article "))


def delete_released() -> None:
    Path("templates/news/released/short@1.0.0.jinja").unlink()


def edit_lock() -> None:
    LOCK.write_text(LOCK.read_text().replace('bump = "minor"', 'bump = "patch"'))


def edit_digest() -> None:
    digest = read_lock(Path("templates"))[0].source_sha256
    LOCK.write_text(LOCK.read_text().replace(digest, "0" * 64))


def delete_line() -> None:
    LOCK.write_text("".join(line for line in lock_lines() if "@1.1.0" not in line))


def delete_line_and_file() -> None:
    LOCK.write_text("".join(line for line in lock_lines() if "@1.0.0" not in line))
    delete_released()


def repeat_line() -> None:
    LOCK.write_text("".join([*lock_lines(), lock_lines()[-1]]))


def repeat_lock() -> None:
    LOCK.write_text(LOCK.read_text() * 2)


def leave_markers() -> None:
    text = lock_lines()
    LOCK.write_text("".join([*text[:-1], "<<<<<<< HEAD\n", text[-1], "=======\n>>>>>>> branch\n"]))


def break_lock() -> None:
    LOCK.write_text(LOCK.read_text() + "no TOML\n")


def link_released_outside() -> None:
    path = Path("templates/news/released/short@1.0.0.jinja")
    path.rename("outside.jinja")
    path.symlink_to(Path("outside.jinja").resolve())


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (edit_released, "RELEASED_EDITED"),
        (delete_released, "RELEASED_MISSING"),
        (link_released_outside, "RELEASED_MISSING"),
        (edit_lock, "LOCK_EDITED"),
        (edit_digest, "LOCK_EDITED"),
        (delete_line, "LOCK_EDITED"),
        (break_lock, "LOCK_EDITED"),
        (delete_line_and_file, "RELEASED_MISSING"),
        (repeat_line, "DUPLICATE_VERSION"),
        (repeat_lock, "DUPLICATE_VERSION"),
        (leave_markers, "LOCK_CONFLICT"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_damage_by_hand_is_found_with_its_rule_and_a_way_out(damage: object, rule: str) -> None:
    release_edits(("Article", "Text"))
    assert error_rules() == set()
    damage()  # type: ignore[operator]
    found = [f for f in check() if f.level == "error"]
    assert rule in {f.rule for f in found}
    assert all(f.hint for f in found)
    assert all(f.to_line().count(f.rule) == 1 for f in found)


def test_a_release_while_the_lock_is_damaged_is_refused() -> None:
    release_edits()
    leave_markers()
    write_source(SOURCE.replace("Article", "Text"))
    with pytest.raises(TemplateError, match="LOCK_CONFLICT"):
        release(ID)


def test_against_a_commit_finds_what_an_honest_looking_tree_hides() -> None:
    release_edits(("Article", "Text"))
    run_git("init", "-q")
    commit_all("base")
    assert error_rules(against="HEAD") == set()
    shutil.rmtree("templates/news/released")
    LOCK.unlink()
    release_edits(("Article", "Other"))  # all of history written anew
    assert error_rules() == set()
    assert error_rules(against="HEAD") == {"RELEASED_EDITED"}
    shutil.rmtree("templates/news/released")
    LOCK.unlink()
    assert error_rules(against="HEAD") == {"RELEASED_MISSING"}
    with pytest.raises(TemplateError, match="neither a version nor a commit"):
        check(against="no-such-branch")


def test_against_a_version_is_about_what_reaches_a_token() -> None:
    release_edits(("Short news.", "News."))
    assert error_rules(against="1.0.0") == set()
    write_source(SOURCE.replace("Article", "Text"))
    assert error_rules(against="1.0.0") == {"PROMPT_TEXT_CHANGED"}
    write_source(SOURCE.replace("{{ article }}", "{{ article }} {{ title }}"))
    assert error_rules(against=f"{ID}@1.0.0") == {"INPUT_ADDED", "PROMPT_TEXT_CHANGED"}


def test_an_unreleased_change_is_an_error_only_with_frozen() -> None:
    release_edits()
    write_source(SOURCE.replace("Article", "Text"))
    assert error_rules() == set()
    assert {f.rule for f in check()} == {"UNRELEASED_CHANGE", "PROMPT_TEXT_CHANGED"}
    assert error_rules(frozen=True) == {"UNRELEASED_CHANGE"}
