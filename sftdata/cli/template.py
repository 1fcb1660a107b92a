"""sftdata template: the group; each of its commands is in a module of its own."""

from __future__ import annotations

from importlib import import_module

import click

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


class _LazyGroup(click.Group):
    """Imports a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from sftdata.errors import did_you_mean

            ctx.fail(f"No such command '{args[0]}'. {did_you_mean(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group("template", cls=_LazyGroup)
def command() -> None:
    """List, change, compare and release templates.

    Example: sftdata template list
    """
