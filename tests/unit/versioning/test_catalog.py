"""The list of templates: one that cannot be read leaves the others in it."""

from __future__ import annotations

import os
from pathlib import Path

from sftdata.versioning.catalog import list_templates
from sftdata.versioning.lint import lint_working_copies

GOOD = "{% block prompt %}\n{{ a }}\n{% endblock %}\n{% block target %}\n{{ b }}\n{%- endblock %}\n"


def test_what_is_no_template_is_a_fault_of_its_own_line() -> None:
    folder = Path("templates/made")
    folder.mkdir(parents=True)
    (folder / "good.jinja").write_text(GOOD)
    (folder / "bytes.jinja").write_bytes(b"\xff")
    (folder / "folder.jinja").mkdir()
    os.mkfifo(folder / "pipe.jinja")
    (folder / "nowhere.jinja").symlink_to("no-file")
    (folder / "outside.jinja").symlink_to("/etc/hostname")
    (folder / "loop.jinja").symlink_to("loop.jinja")
    listed = {entry.name: entry.fault for entry in list_templates(Path()) if entry.task == "made"}
    assert listed.pop("good") is None
    at = f"{folder.absolute()}/"
    assert listed == {
        "bytes": f"{at}bytes.jinja: not UTF-8 at byte 0.",
        "folder": f"{at}folder.jinja: a folder or a pipe, not a file of text.",
        "loop": f"{at}loop.jinja leads out of the templates folder.",
        "nowhere": f"{at}nowhere.jinja leads out of the templates folder.",
        "outside": f"{at}outside.jinja leads out of the templates folder.",
        "pipe": f"{at}pipe.jinja: a folder or a pipe, not a file of text.",
    }
    ids = [f"made/{name}" for name in (*listed, "good")]
    found = {finding.message.split("/")[-1] for finding in lint_working_copies(ids)}
    assert any("pipe.jinja: a folder or a pipe" in text for text in found)
