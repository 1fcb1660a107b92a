"""Releases: frozen bytes, selectors, the lock, and what happens when someone edits them by hand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sftdata.base import content
from sftdata.errors import TemplateError
from sftdata.versioning.check import check
from sftdata.versioning.lockfile import FILE, read_lock
from sftdata.versioning.release import release
from sftdata.versioning.releases import TemplatesFolder, load_template
from sftdata.versioning.scaffold import new_template
from sftdata.versioning.versions import Version, parse_selector

SOURCE = """\
{# description = "Short news." #}
{% block prompt %}
Article:
{{ article }}
{% endblock %}
{% block target %}
{{ summary }}
{%- endblock %}
"""
ID = "news/short"


def write(source: str = SOURCE, template_id: str = ID) -> Path:
    path = Path("templates") / f"{template_id}.jinja"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


def released(*edits: tuple[str, str]) -> list[str]:
    """Releases the source, then each edit of it; gives the versions."""
    source = SOURCE
    write(source)
    versions = [release(ID).release.version]
    for was, becomes in edits:
        assert was in source
        source = source.replace(was, becomes)
        write(source)
        versions.append(release(ID).release.version)
    return versions


def rules(**options: object) -> set[str]:
    return {f.rule for f in check(**options) if f.level == "error"}  # type: ignore[arg-type]


def prompt(selector: str) -> str:
    return load_template(selector).render_block("prompt", {"article": "A", "author": "B"})


def test_versions_go_up_by_what_changed() -> None:
    assert released(
        ("Short news.", "News."), ("Article", "Text"), ("Text", "News"), ("{{ summary", "{{ title")
    ) == ["1.0.0", "1.0.1", "1.1.0", "1.2.0", "2.0.0"]


def test_a_selector_picks_the_latest_that_fits() -> None:
    released(("Article", "Text"), ("Text", "News"), ("{{ summary", "{{ title"))
    write(SOURCE.replace("Article", "Draft"))
    found = {which: load_template(f"{ID}@{which}") for which in ("1", "1.1", "1.0.0", "2", "draft")}
    assert {which: template.version for which, template in found.items()} == {
        "1": "1.2.0", "1.1": "1.1.0", "1.0.0": "1.0.0", "2": "2.0.0", "draft": "draft",
    }  # fmt: skip
    assert prompt(f"{ID}@1.0.0") == "Article:\nA\n"
    assert prompt(f"{ID}@draft") == "Draft:\nA\n"
    digest = found["1.1"].source_sha256
    assert load_template(f"{ID}@sha256:{digest[:8]}").label == f"{ID}@1.1.0"


def test_1_10_comes_after_1_9_and_1_1_does_not_mean_1_10() -> None:
    assert Version(1, 10, 0) > Version(1, 9, 0)
    assert not parse_selector("a/b@1.1").takes(Version(1, 10, 0))
    assert parse_selector("a/b@1").takes(Version(1, 10, 0))


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (f"{ID}@3", r"There is no 'news/short@3'(?s:.*)Known: 1\.0\.0"),
        (f"{ID}@1.0.1", r"Did you mean '1\.0\.0'"),
        (f"{ID}@latest", "does not select a version"),
        (f"{ID}@sha256:zz", "does not select a version"),
        (f"{ID}@sha256:00000000", "There is no"),
        ("news/shrt", "Did you mean 'news/short'"),
        ("../../etc/passwd", "is not the id of a template"),
        ("news/../news/short", "is not the id of a template"),
        ("/etc/passwd", "is not the id of a template"),
        ("news/short\0", "is not the id of a template"),
    ],
)
def test_what_selects_nothing_is_an_error(selector: str, message: str) -> None:
    released()
    with pytest.raises(TemplateError, match=message):
        load_template(selector)


def test_a_build_gets_the_release_and_a_note_when_the_working_copy_differs() -> None:
    released()
    assert load_template(ID).label == f"{ID}@1.0.0"
    assert load_template(ID).note is None
    write(SOURCE.replace("Article", "Text"))
    assert prompt(ID) == "Article:\nA\n"
    assert "not released" in str(load_template(ID).note)
    write("{% block")
    assert "not released" in str(load_template(ID).note)


def test_a_template_that_was_never_released_is_a_draft() -> None:
    write()
    assert load_template(ID).is_draft


def test_releasing_the_same_text_again_gives_the_same_release() -> None:
    released()
    before = Path("templates", FILE).read_bytes()
    outcome = release(ID)
    assert (outcome.is_new, outcome.release.version) == (False, "1.0.0")
    assert Path("templates", FILE).read_bytes() == before


def test_a_bump_may_be_raised_and_never_lowered() -> None:
    released()
    write(SOURCE.replace("Short news.", "News."))
    assert release(ID, "minor").release.version == "1.1.0"
    write(SOURCE.replace("summary", "title"))
    with pytest.raises(TemplateError, match=r"changed by MAJOR, and --minor would hide it.*INPUT"):
        release(ID, "minor")
    assert release(ID, "major").release.version == "2.0.0"


def test_a_release_renders_from_the_tree_alone_with_all_it_includes() -> None:
    parts = Path("templates/parts")
    parts.mkdir(parents=True)
    (parts / "head.txt").write_text("By {{ author }}: {% include './parts/deep/x.txt' %}")
    (parts / "deep").mkdir()
    (parts / "deep" / "x.txt").write_text("deep")
    source = SOURCE.replace("Article:", "{% include 'parts/head.txt' %}\n")
    write(source)
    release(ID)
    digest = load_template(ID).source_sha256
    (parts / "head.txt").write_text("Of {{ author }}")
    assert prompt(f"{ID}@1.0.0") == "By B: deep\nA\n"
    assert prompt(f"{ID}@draft") == "Of B\nA\n"
    assert release(ID).release.version == "1.1.0"
    shutil.rmtree(parts)
    Path("templates/news/short.jinja").unlink()
    shutil.copytree("templates", "elsewhere/templates")
    shutil.rmtree("templates")
    Path("elsewhere/templates").rename("templates")
    assert prompt(f"{ID}@1.0.0") == "By B: deep\nA\n"
    assert prompt(f"{ID}@1.1.0") == "Of B\nA\n"
    assert load_template(f"{ID}@1.0.0").source_sha256 == digest
    assert rules() == set()


def test_an_included_file_of_a_release_is_guarded_too() -> None:
    Path("templates").mkdir()
    Path("templates/head.txt").write_text("Head")
    write(SOURCE.replace("Article:", "{% include 'head.txt' %}\n"))
    release(ID)
    frozen = Path("templates/news/released/short@1.0.0.parts/head.txt")
    frozen.write_text("Tail")
    with pytest.raises(TemplateError, match="RELEASED_EDITED"):
        load_template(ID)
    frozen.unlink()
    with pytest.raises(TemplateError, match="RELEASED_MISSING"):
        load_template(ID)


def test_line_ends_and_a_byte_order_mark_do_not_count() -> None:
    released()
    path = Path("templates/news/released/short@1.0.0.jinja")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert prompt(ID) == "Article:\nA\n"
    assert rules() == set()


LOCK = Path("templates") / FILE


def lines() -> list[str]:
    return LOCK.read_text().splitlines(keepends=True)


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
    LOCK.write_text("".join(line for line in lines() if "@1.1.0" not in line))


def delete_line_and_file() -> None:
    LOCK.write_text("".join(line for line in lines() if "@1.0.0" not in line))
    delete_released()


def repeat_line() -> None:
    LOCK.write_text("".join([*lines(), lines()[-1]]))


def repeat_lock() -> None:
    LOCK.write_text(LOCK.read_text() * 2)


def leave_markers() -> None:
    text = lines()
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
    released(("Article", "Text"))
    assert rules() == set()
    damage()  # type: ignore[operator]
    found = [f for f in check() if f.level == "error"]
    assert rule in {f.rule for f in found}
    assert all(f.hint for f in found)


def test_a_release_while_the_lock_is_damaged_is_refused() -> None:
    released()
    leave_markers()
    write(SOURCE.replace("Article", "Text"))
    with pytest.raises(TemplateError, match="LOCK_CONFLICT"):
        release(ID)


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commit(message: str) -> None:
    git("add", "-A")
    git("commit", "-qm", message)


def test_two_branches_that_release_different_templates_merge_without_a_conflict() -> None:
    released()
    git("init", "-q")
    commit("base")
    for name in ("one", "two"):
        git("checkout", "-qb", name, "main")
        write(SOURCE.replace("Article", name), f"news/{name}")
        release(f"news/{name}")
        commit(name)
    git("merge", "-q", "-m", "merge", "one")
    assert [r.label for r in read_lock(Path("templates"))] == [
        "news/one@1.0.0", "news/short@1.0.0", "news/two@1.0.0",
    ]  # fmt: skip
    assert rules() == set()


def test_against_a_commit_finds_what_an_honest_looking_tree_hides() -> None:
    released(("Article", "Text"))
    git("init", "-q")
    commit("base")
    assert rules(against="HEAD") == set()
    shutil.rmtree("templates/news/released")
    LOCK.unlink()
    released(("Article", "Other"))  # all of history written anew
    assert rules() == set()
    assert rules(against="HEAD") == {"RELEASED_EDITED"}
    shutil.rmtree("templates/news/released")
    LOCK.unlink()
    assert rules(against="HEAD") == {"RELEASED_MISSING"}
    with pytest.raises(TemplateError, match="neither a version nor a commit"):
        check(against="no-such-branch")


def test_against_a_version_is_about_what_reaches_a_token() -> None:
    released(("Short news.", "News."))
    assert rules(against="1.0.0") == set()
    write(SOURCE.replace("Article", "Text"))
    assert rules(against="1.0.0") == {"PROMPT_TEXT_CHANGED"}
    write(SOURCE.replace("{{ article }}", "{{ article }} {{ title }}"))
    assert rules(against=f"{ID}@1.0.0") == {"INPUT_ADDED", "PROMPT_TEXT_CHANGED"}


def test_an_unreleased_change_is_an_error_only_with_frozen() -> None:
    released()
    write(SOURCE.replace("Article", "Text"))
    assert rules() == set()
    assert {f.rule for f in check()} == {"UNRELEASED_CHANGE", "PROMPT_TEXT_CHANGED"}
    assert rules(frozen=True) == {"UNRELEASED_CHANGE"}


@pytest.mark.parametrize(
    "loop",
    [
        "{% for x in dict(a=1, b=2).keys() - [] %}{{ x }}{% endfor %}",
        "{% for x in (dict(a=1, b=2).items() - []) %}{{ x }}{% endfor %}",
    ],
)
def test_a_loop_over_a_set_is_not_deterministic(loop: str) -> None:
    write(SOURCE.replace("Article:", f"{loop} Article:"))
    assert rules() == {"NONDETERMINISTIC"}
    with pytest.raises(TemplateError, match="NONDETERMINISTIC"):
        release(ID)


def test_what_lint_refuses_is_not_released() -> None:
    write(SOURCE.replace("Article:", "<|im_start|>Article:"))
    with pytest.raises(TemplateError, match="LINT_CONTROL_TEXT"):
        release(ID)
    assert not LOCK.exists()


def test_a_bundled_template_is_copied_before_it_is_released() -> None:
    with pytest.raises(TemplateError, match=r"is a bundled template(?s:.*)template new"):
        release("summarize/article")


def test_a_copy_of_a_bundled_template_goes_on_from_the_bundled_releases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released()
    Path("bundle").mkdir()
    Path("templates").rename("bundle/templates")
    monkeypatch.setattr(content, "bundled_root", lambda: tmp_path / "bundle")
    assert load_template(ID).label == f"{ID}@1.0.0"
    new_template(ID, ID)
    assert load_template(ID).is_draft  # the user's own copy comes first
    assert not release(ID).is_new
    write(SOURCE.replace("Article", "Text"))
    assert release(ID).release.version == "1.1.0"
    assert prompt(ID) == "Text:\nA\n"
    assert prompt(f"{ID}@1.0.0") == "Article:\nA\n"
    assert rules() == set()


def test_a_working_copy_that_links_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.jinja").write_text(SOURCE)
    Path("templates/news").mkdir(parents=True)
    Path("templates/news/short.jinja").symlink_to(tmp_path / "outside.jinja")
    with pytest.raises(TemplateError, match="leads out of the templates folder"):
        load_template(ID)


def test_the_lock_is_a_sorted_line_for_each_release() -> None:
    write(SOURCE, "b/x")
    release("b/x")
    write(SOURCE, "a/x")
    release("a/x")
    assert [line.split(" = ")[0] for line in lines()[3:]] == ['"a/x@1.0.0"', '"b/x@1.0.0"']
    entry = TemplatesFolder(Path("templates")).releases[0]
    assert (entry.fields, entry.target_fields, entry.shorten) == (
        ("article", "summary"), ("summary",), "",
    )  # fmt: skip
