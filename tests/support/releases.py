"""A templates folder in the working directory: a source, its edits, their releases."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sftdata.versioning.check import check
from sftdata.versioning.lockfile import FILE
from sftdata.versioning.release import release
from sftdata.versioning.releases import load_template

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
LOCK = Path("templates") / FILE


def write_source(source: str = SOURCE, template_id: str = ID) -> Path:
    path = Path("templates") / f"{template_id}.jinja"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


def release_edits(*edits: tuple[str, str]) -> list[str]:
    """Releases the source, then each edit of it; gives the versions."""
    source = SOURCE
    write_source(source)
    versions = [release(ID).release.version]
    for was, becomes in edits:
        assert was in source
        source = source.replace(was, becomes)
        write_source(source)
        versions.append(release(ID).release.version)
    return versions


def error_rules(**options: object) -> set[str]:
    return {f.rule for f in check(**options) if f.level == "error"}  # type: ignore[arg-type]


def render_prompt(selector: str) -> str:
    return load_template(selector).render_block("prompt", {"article": "A", "author": "B"})


def lock_lines() -> list[str]:
    return LOCK.read_text().splitlines(keepends=True)


def run_git(*arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commit_all(message: str) -> None:
    run_git("add", "-A")
    run_git("commit", "-qm", message)
