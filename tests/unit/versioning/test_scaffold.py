"""New working copies: one made of a bundled template continues its releases."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.releases import ID, SOURCE, error_rules, release_edits, render_prompt, write_source

from sftdata.base import content
from sftdata.versioning.release import release
from sftdata.versioning.releases import load_template
from sftdata.versioning.scaffold import new_template


def test_a_copy_of_a_bundled_template_goes_on_from_the_bundled_releases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_edits()
    Path("bundle").mkdir()
    Path("templates").rename("bundle/templates")
    monkeypatch.setattr(content, "bundled_root", lambda: tmp_path / "bundle")
    assert load_template(ID).label == f"{ID}@1.0.0"
    new_template(ID, ID)
    assert load_template(ID).is_draft  # the user's own copy comes first
    assert not release(ID).is_new
    write_source(SOURCE.replace("Article", "Text"))
    assert release(ID).release.version == "1.1.0"
    assert render_prompt(ID) == "Text:\nA\n"
    assert render_prompt(f"{ID}@1.0.0") == "Article:\nA\n"
    assert error_rules() == set()
