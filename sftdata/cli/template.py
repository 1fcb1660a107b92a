"""sftdata template: the group; each of its commands is in a module of its own."""

from __future__ import annotations

import click

from sftdata.cli.lazy_group import LazyGroup

_COMMANDS = {
    "check": "sftdata.cli.template_check",
    "diff": "sftdata.cli.template_diff",
    "import": "sftdata.cli.template_import",
    "lint": "sftdata.cli.template_lint",
    "list": "sftdata.cli.template_list",
    "log": "sftdata.cli.template_log",
    "new": "sftdata.cli.template_new",
    "release": "sftdata.cli.template_release",
    "render": "sftdata.cli.template_render",
    "show": "sftdata.cli.template_show",
}


@click.group("template", cls=LazyGroup, commands_at=_COMMANDS)
def command() -> None:
    """List, change, compare and release templates.

    Example: sftdata template list
    """
