"""sftdata template show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import json_option
from sftdata.cli.output import print_json

if TYPE_CHECKING:
    from sftdata.rendering.template import Template


@click.command("show")
@click.argument("template")
@json_option()
def command(template: str, as_json: bool) -> None:
    """Show what TEMPLATE reads, its digests and its source.

    TEMPLATE is an id or id@version.

    Example: sftdata template show summarize/article@1
    """
    from sftdata.versioning.releases import load_template

    loaded = load_template(template)
    described = _describe(loaded)
    if as_json:
        print_json(described)
        return
    for key in ("template", "description", "fields", "target_fields", "shorten", "source_sha256"):
        value = described[key]
        text = ", ".join(value) if isinstance(value, list) else value
        click.echo(escape(f"{key:14} {text or '-'}"))
    click.echo()
    click.echo(escape(loaded.source, keep_newlines=True), nl=not loaded.source.endswith("\n"))


def _describe(template: Template) -> dict[str, Any]:
    from sftdata.versioning.probes import behaviour_sha256

    return {
        "template": template.label,
        "id": template.id,
        "version": template.version,
        "draft": template.is_draft,
        "description": template.description,
        "metadata": {key: str(value) for key, value in template.metadata.items()},
        "fields": sorted(template.fields),
        "target_fields": sorted(template.target_fields),
        "shorten": template.shorten,
        "source_sha256": template.source_sha256,
        "semantics_sha256": template.semantics_sha256,
        "behaviour_sha256": behaviour_sha256(template),
        "includes": sorted(template.included),
        "source": template.source,
    }
