"""The command line. Each command parses its options, calls the library and prints."""

from __future__ import annotations

import sys
from importlib import import_module

import click

_COMMANDS = {
    "build": "sftdata.cli.build",
    "inspect": "sftdata.cli.inspect",
    "ledger": "sftdata.cli.ledger",
    "rebuild": "sftdata.cli.rebuild",
    "sources": "sftdata.cli.sources",
    "stats": "sftdata.cli.stats",
    "template": "sftdata.cli.template",
    "verify": "sftdata.cli.verify",
}
_HELP = {
    "build": "Build a data set: read, render, tokenize, write, commit.",
    "inspect": "Show examples: text, tokens and label mask.",
    "ledger": "List the source rows that were dropped or cut, and why.",
    "rebuild": "Build a data set again from its manifest and compare.",
    "sources": "List typical training sets and how their columns map.",
    "stats": "Token lengths, target share and drops.",
    "template": "List, change, compare and release templates.",
    "verify": "Check a data set's files against its manifest.",
}


class _LazyGroup(click.Group):
    """Imports a command only when it runs, so that `--help` answers at once."""

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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_HELP.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sftdata", message="sftdata %(version)s")
def cli() -> None:
    """Golden sets in, exact tokenized Arrow shards for supervised fine-tuning out.

    Example: sftdata build --task summarize
    """


def main() -> None:
    """Runs the command line and exits: 0 ok, 1 error, 2 usage, 3 not verified, 130 interrupted."""
    from sftdata.errors import SftdataError

    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        from sftdata.escaping import escape

        click.echo(escape(_usage(error), keep_newlines=True), err=True)  # it quotes arguments
        sys.exit(error.exit_code)
    except SftdataError as error:
        from sftdata.cli.output import print_error

        print_error(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted. The same command goes on from here.", err=True)
        sys.exit(130)
    except OSError as error:
        from sftdata.cli.output import print_error

        where = f"{error.filename}: " if error.filename else ""
        print_error(
            SftdataError(
                f"{where}{error.strerror or error}.",
                "Check the disk and the permissions. What was committed before stays as it was.",
            )
        )
        sys.exit(1)


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    if context is None:
        return f"Error: {error.format_message()}"
    usage = f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n"
    return f"{usage}\nError: {error.format_message()}"
