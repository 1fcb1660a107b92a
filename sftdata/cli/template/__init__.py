"""sftdata template: the group; each of its commands is in a module of its own."""

from __future__ import annotations

import click

from sftdata.cli.lazy_group import LazyGroup

_COMMANDS = {
    "check": "sftdata.cli.template.check",
    "diff": "sftdata.cli.template.diff",
    "import": "sftdata.cli.template.import_",
    "lint": "sftdata.cli.template.lint",
    "list": "sftdata.cli.template.list",
    "log": "sftdata.cli.template.log",
    "new": "sftdata.cli.template.new",
    "release": "sftdata.cli.template.release",
    "render": "sftdata.cli.template.render",
    "show": "sftdata.cli.template.show",
}


@click.group("template", cls=LazyGroup, commands_at=_COMMANDS)
def command() -> None:
    """List, change, compare and release templates.

    Example: sftdata template list
    """
