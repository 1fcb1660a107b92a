"""The lock: a sorted line for each release, which git can merge."""

from __future__ import annotations

from pathlib import Path

from support.releases import (
    SOURCE,
    commit_all,
    error_rules,
    lock_lines,
    release_edits,
    run_git,
    write_source,
)

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
