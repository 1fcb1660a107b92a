"""Release: the version that the changes ask for, and the working copies that are refused."""

from __future__ import annotations

import pytest
from support.releases import ID, LOCK, SOURCE, release_edits, write_source

from sftdata.errors import TemplateError
from sftdata.versioning.release import release


def test_versions_go_up_by_what_changed() -> None:
    assert release_edits(
        ("Short news.", "News."), ("Article", "Text"), ("Text", "News"), ("{{ summary", "{{ title")
    ) == ["1.0.0", "1.0.1", "1.1.0", "1.2.0", "2.0.0"]


def test_releasing_the_same_text_again_gives_the_same_release() -> None:
    release_edits()
    before = LOCK.read_bytes()
    outcome = release(ID)
    assert (outcome.is_new, outcome.release.version) == (False, "1.0.0")
    assert LOCK.read_bytes() == before


def test_a_bump_may_be_raised_and_never_lowered() -> None:
    release_edits()
    write_source(SOURCE.replace("Short news.", "News."))
    assert release(ID, "minor").release.version == "1.1.0"
    write_source(SOURCE.replace("summary", "title"))
    with pytest.raises(TemplateError, match=r"changed by MAJOR, and --minor would hide it.*INPUT"):
        release(ID, "minor")
    assert release(ID, "major").release.version == "2.0.0"


def test_what_lint_refuses_is_not_released() -> None:
    write_source(SOURCE.replace("Article:", "<|im_start|>Article:"))
    with pytest.raises(TemplateError, match="LINT_CONTROL_TEXT"):
        release(ID)
    assert not LOCK.exists()


def test_a_bundled_template_is_copied_before_it_is_released() -> None:
    with pytest.raises(TemplateError, match=r"is a bundled template(?s:.*)template new"):
        release("summarize/article")
