"""The files of a project beside its spec: what they name is there."""

from __future__ import annotations

import yaml

from sftdata.building.project_files import ci_text, gitignore_text, readme_text


def test_the_workflow_builds_the_task_and_checks_templates_where_there_are_any() -> None:
    steps = yaml.safe_load(ci_text("news", has_template=True, has_rows=True))["jobs"]["check"]
    commands = [step["run"] for step in steps["steps"] if "run" in step]
    assert commands == [
        "pip install sftdata", "sftdata template check", "sftdata build --task news --dry-run"
    ]  # fmt: skip
    plain = ci_text("news", has_template=False, has_rows=False)
    assert "template check" not in plain
    assert "The rows are not in this repository" in plain


def test_the_readme_names_the_template_where_there_is_one() -> None:
    assert "templates/news/plain.jinja" in readme_text("news", has_template=True)
    assert "templates/" not in readme_text("news", has_template=False)
    assert "/data/" in gitignore_text().splitlines()
