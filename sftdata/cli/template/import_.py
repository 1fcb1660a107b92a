"""sftdata template import."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import FILE, json_option
from sftdata.cli.output import print_json, print_note

if TYPE_CHECKING:
    from sftdata.versioning.importers import Collection


@click.command("import")
@click.argument("collection", type=click.Choice(["promptsource", "flan"]))
@click.argument("file", type=FILE)
@click.option("--task", help="Write to templates/TASK. Default: the name in the file.")
@json_option()
def command(collection: Collection, file: Path, task: str | None, as_json: bool) -> None:
    """Take over templates of promptsource or FLAN.

    Writes a working copy of each template in FILE: promptsource's YAML, or FLAN's patterns in
    Python.

    Example: sftdata template import promptsource templates.yaml --task news
    """
    from sftdata.versioning.importers import import_templates

    imported = import_templates(collection, file, task)
    if as_json:
        written = {template_id: str(path) for template_id, path in imported.written.items()}
        left_out = [asdict(item) for item in imported.left_out]
        fields = {
            name: name if type_ == "text" else {"path": name, "type": type_}
            for name, type_ in imported.fields.items()
        }
        print_json({"written": written, "left_out": left_out, "fields": fields})
        return
    for template_id, path in imported.written.items():
        click.echo(escape(f"{template_id}  {path}"))
    for item in imported.left_out:
        print_note(f"Left out of {item.template}: {item.what}")
    if imported.fields:
        print_note(f"Their fields, for a spec of the task:\n\n{imported.spec_fields}\n")
    print_note(f"{len(imported.written)} written. Review them, then: sftdata template lint")
