"""The lock: a sorted line for each release, which git can merge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.releases import (
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
from sftdata.versioning.lockfile import read_lock
from sftdata.versioning.release import release
from sftdata.versioning.releases import TemplatesFolder


def test_the_lock_is_a_sorted_line_for_each_release() -> None:
    write_source(SOURCE, "b/x")
    release("b/x")
    write_source(SOURCE, "a/x")
    release("a/x")
    assert [line.split(" = ")[0] for line in lock_lines()[3:]] == ['"a/x@1.0.0"', '"b/x@1.0.0"']
    entry = TemplatesFolder(Path("templates")).releases[0]
    assert (entry.fields, entry.target_fields, entry.shorten) == (
        ("article", "summary"), ("summary",), "",
    )  # fmt: skip


def test_two_branches_that_release_different_templates_merge_without_a_conflict() -> None:
    release_edits()
    run_git("init", "-q")
    commit_all("base")
    for name in ("one", "two"):
        run_git("checkout", "-qb", name, "main")
        write_source(SOURCE.replace("Article", name), f"news/{name}")
        release(f"news/{name}")
        commit_all(name)
    run_git("merge", "-q", "-m", "merge", "one")
    assert [r.label for r in read_lock(Path("templates"))] == [
        "news/one@1.0.0", "news/short@1.0.0", "news/two@1.0.0",
    ]  # fmt: skip
    assert error_rules() == set()


def test_a_first_lock_brings_the_merge_rule_and_its_header() -> None:
    release_edits()
    assert lock_lines()[:3] == [
        "# Written by `sftdata template release`: a line for each release, which never changes.\n",
        "# When branches meet, keep the lines of both.\n",
        "[releases]\n",
    ]
    attributes = LOCK.parent / ".gitattributes"
    assert attributes.read_text() == "templates.lock merge=union\n"
    attributes.write_text("mine\n")
    release_edits(("Article", "Text"))
    assert attributes.read_text() == "mine\n"


def test_without_a_lock_there_is_no_release(tmp_path: Path) -> None:
    assert read_lock(tmp_path) == []
    (tmp_path / "templates.lock").write_text("[releases]\n")
    assert read_lock(tmp_path) == []


def test_releases_are_sorted_by_version_and_not_by_text() -> None:
    release_edits(*[(f"Article{'.' * n}:", f"Article{'.' * (n + 1)}:") for n in range(11)])
    numbers = [entry.number for entry in read_lock(LOCK.parent)]
    assert len(numbers) == 12
    assert numbers == sorted(numbers)
    LOCK.write_text("".join(lock_lines()[:3] + lock_lines()[:2:-1]))  # as a merge may leave it
    assert [entry.number for entry in read_lock(LOCK.parent)] == numbers


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: "<<<<<<< ours\n" + text, r"lock:1: LOCK_CONFLICT"),
        (lambda text: text + "=======\n", r"lock:5: LOCK_CONFLICT"),
        (lambda text: text + text.splitlines()[3], r"@1\.0\.0 stands there 2 times"),
        (lambda text: text.replace("seal", "meal"), r"@1\.0\.0 lacks something or has too much"),
        (lambda text: text.replace('"article"', '"title"', 1), r"not the one that was released"),
        (lambda text: text.replace('version = "1.0.0"', 'version = "1.0"'), r"not the one that"),
        (lambda text: text.replace('short@1', 'long@1'), r"not the one that was released"),
        (lambda text: text + "a", r"LOCK_EDITED: not TOML: "),
        (lambda text: text + "\udcff", r"LOCK_EDITED: not UTF-8 at byte "),
    ],
)  # fmt: skip
def test_an_edited_lock_is_one_error_with_its_place(
    edit: Callable[[str], str], message: str
) -> None:
    release_edits()
    edited = edit(LOCK.read_text()).encode(errors="surrogateescape")
    LOCK.write_bytes(edited)
    with pytest.raises(TemplateError, match=message) as caught:
        read_lock(LOCK.parent)
    assert caught.value.code == "E502"
    assert str(LOCK) in str(caught.value)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("a = " + "[" * 9999, "nested in more than 100 levels"),
        ("a." * 30_000 + "a = 1", "a key has more than 100 parts"),
        ("a = " + "9" * 5000, "digits"),
    ],
    ids=["lists", "parts", "digits"],
)
def test_a_lock_that_cannot_be_parsed_is_an_edited_one(more: str, fault: str) -> None:
    release_edits()
    LOCK.write_text(LOCK.read_text() + more)
    with pytest.raises(TemplateError, match=f"LOCK_EDITED: not TOML: .*{fault}"):
        read_lock(Path("templates"))
