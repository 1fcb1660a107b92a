"""A group of commands that imports a command only when it is used, so that `--help` is fast."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """`commands_at`: command → module that has it as `command`; `helps`: command → help line.

    Without `helps` the help imports the commands for their lines.
    """

    def __init__(
        self,
        *args: Any,
        commands_at: Mapping[str, str],
        helps: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        # Without this, click calls a group alone a wrong usage.
        kwargs["invoke_without_command"] = True
        super().__init__(*args, **kwargs)
        self._commands_at = commands_at
        self._helps = helps

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments of a command; without any, the help."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, sorted."""
        return sorted(self._commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in self._commands_at:
            return None
        command: click.Command = import_module(self._commands_at[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names; an unknown one ends in a suggestion."""
        if args and args[0] not in self._commands_at and not args[0].startswith("-"):
            from sftdata.errors import did_you_mean

            ctx.fail(f"No such command '{args[0]}'. {did_you_mean(args[0], self._commands_at)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands."""
        if self._helps is None:
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self._helps.items()))
