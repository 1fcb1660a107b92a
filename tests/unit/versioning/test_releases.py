"""Releases: the text that a selector picks, and frozen bytes that are guarded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.releases import ID, SOURCE, error_rules, release_edits, render_prompt, write_source

from sftdata.errors import TemplateError
from sftdata.versioning.release import release
from sftdata.versioning.releases import load_template


def test_a_selector_picks_the_latest_that_fits() -> None:
    release_edits(("Article", "Text"), ("Text", "News"), ("{{ summary", "{{ title"))
    write_source(SOURCE.replace("Article", "Draft"))
    found = {which: load_template(f"{ID}@{which}") for which in ("1", "1.1", "1.0.0", "2", "draft")}
    assert {which: template.version for which, template in found.items()} == {
        "1": "1.2.0", "1.1": "1.1.0", "1.0.0": "1.0.0", "2": "2.0.0", "draft": "draft",
    }  # fmt: skip
    assert render_prompt(f"{ID}@1.0.0") == "Article:\nA\n"
    assert render_prompt(f"{ID}@draft") == "Draft:\nA\n"
    digest = found["1.1"].source_sha256
    assert load_template(f"{ID}@sha256:{digest[:8]}").label == f"{ID}@1.1.0"


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
    release_edits()
    with pytest.raises(TemplateError, match=message):
        load_template(selector)


def test_a_build_gets_the_release_and_a_note_when_the_working_copy_differs() -> None:
    release_edits()
    assert load_template(ID).label == f"{ID}@1.0.0"
    assert load_template(ID).note is None
    write_source(SOURCE.replace("Article", "Text"))
    assert render_prompt(ID) == "Article:\nA\n"
    assert "not released" in str(load_template(ID).note)
    write_source("{% block")
    assert "not released" in str(load_template(ID).note)


def test_a_template_that_was_never_released_is_a_draft() -> None:
    write_source()
    assert load_template(ID).is_draft


def test_a_release_renders_from_the_tree_alone_with_all_it_includes() -> None:
    parts = Path("templates/parts")
    parts.mkdir(parents=True)
    (parts / "head.txt").write_text("By {{ author }}: {% include './parts/deep/x.txt' %}")
    (parts / "deep").mkdir()
    (parts / "deep" / "x.txt").write_text("deep")
    source = SOURCE.replace("Article:", "{% include 'parts/head.txt' %}\n")
    write_source(source)
    release(ID)
    digest = load_template(ID).source_sha256
    (parts / "head.txt").write_text("Of {{ author }}")
    assert render_prompt(f"{ID}@1.0.0") == "By B: deep\nA\n"
    assert render_prompt(f"{ID}@draft") == "Of B\nA\n"
    assert release(ID).release.version == "1.1.0"
    shutil.rmtree(parts)
    Path("templates/news/short.jinja").unlink()
    shutil.copytree("templates", "elsewhere/templates")
    shutil.rmtree("templates")
    Path("elsewhere/templates").rename("templates")
    assert render_prompt(f"{ID}@1.0.0") == "By B: deep\nA\n"
    assert render_prompt(f"{ID}@1.1.0") == "Of B\nA\n"
    assert load_template(f"{ID}@1.0.0").source_sha256 == digest
    assert error_rules() == set()


def test_an_included_file_of_a_release_is_guarded_too() -> None:
    Path("templates").mkdir()
    Path("templates/head.txt").write_text("Head")
    write_source(SOURCE.replace("Article:", "{% include 'head.txt' %}\n"))
    release(ID)
    frozen = Path("templates/news/released/short@1.0.0.parts/head.txt")
    frozen.write_text("Tail")
    with pytest.raises(TemplateError, match="RELEASED_EDITED"):
        load_template(ID)
    frozen.unlink()
    with pytest.raises(TemplateError, match="RELEASED_MISSING"):
        load_template(ID)


def test_line_ends_and_a_byte_order_mark_do_not_count() -> None:
    release_edits()
    path = Path("templates/news/released/short@1.0.0.jinja")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert render_prompt(ID) == "Article:\nA\n"
    assert error_rules() == set()


def test_a_working_copy_that_links_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.jinja").write_text(SOURCE)
    Path("templates/news").mkdir(parents=True)
    Path("templates/news/short.jinja").symlink_to(tmp_path / "outside.jinja")
    with pytest.raises(TemplateError, match="leads out of the templates folder"):
        load_template(ID)
