"""The command line. Each command parses its options, calls the library and prints."""

from __future__ import annotations

import gc
import sys

import click

from sftdata.cli.lazy_group import LazyGroup
from sftdata.cli.streams import check_arguments, escape_unencodable, foreign_bytes

_COMMANDS = {
    "audit": "sftdata.cli.audit",
    "build": "sftdata.cli.build",
    "cache": "sftdata.cli.cache",
    "diff": "sftdata.cli.diff",
    "doctor": "sftdata.cli.doctor",
    "env": "sftdata.cli.env",
    "eval": "sftdata.cli.eval",
    "export": "sftdata.cli.export",
    "gc": "sftdata.cli.garbage",
    "generate": "sftdata.cli.generate",
    "init": "sftdata.cli.init",
    "inspect": "sftdata.cli.inspect",
    "ledger": "sftdata.cli.ledger",
    "merge": "sftdata.cli.merge",
    "pack": "sftdata.cli.pack",
    "rebuild": "sftdata.cli.rebuild",
    "report": "sftdata.cli.report",
    "schema": "sftdata.cli.schema",
    "serve-config": "sftdata.cli.serve_config",
    "sources": "sftdata.cli.sources",
    "stats": "sftdata.cli.stats",
    "status": "sftdata.cli.status",
    "template": "sftdata.cli.template",
    "train": "sftdata.cli.train",
    "verify": "sftdata.cli.verify",
}
_HELP = {
    "audit": "Show what an adapter was trained on, and check it.",
    "build": "Build a dataset: read, render, tokenize, write, commit.",
    "cache": "Show or clear the cache.",
    "diff": "Compare two datasets: their inputs and their tokens.",
    "doctor": "Find rows that spoil training: masks, text, repeats, private data.",
    "env": "Show versions, system and cache folder, for a bug report.",
    "eval": "Measure a model, with and without an adapter, on held-out rows.",
    "export": "Write a dataset in the format of another trainer.",
    "gc": "Remove files of a dataset's folder that its manifest does not refer to.",
    "generate": "Answer one golden row with a trained adapter.",
    "init": "Start a project: look at your rows, write a spec, build it.",
    "inspect": "Show examples: text, tokens and label mask.",
    "ledger": "List the source rows that were dropped, cut or flagged, and why.",
    "merge": "Merge an adapter into its base model, for serving.",
    "pack": "Plan which rows share a sequence.",
    "rebuild": "Build a dataset again from its manifest and compare.",
    "report": "Write one page about a dataset: lengths, drops, samples, inputs.",
    "schema": "Print the JSON schema of a spec or a recipe, for editors.",
    "serve-config": "Print how a server serves an adapter: commands and a request.",
    "sources": "List well-known datasets and how their columns map to fields.",
    "stats": "Show lengths, target share, drops, padding, vocabulary, languages.",
    "status": "List datasets that are up to date or stale, and what has changed.",
    "template": "List, change, compare and release templates.",
    "train": "Train a LoRA adapter on a dataset.",
    "verify": "Check a dataset's files against its manifest.",
}


@click.group(
    cls=LazyGroup,
    commands_at=_COMMANDS,
    helps=_HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="sftdata", message="sftdata %(version)s")
def cli() -> None:
    """Golden sets in, exact tokenized Arrow shards for supervised fine-tuning out.

    Example: sftdata build --task summarize
    """


def main() -> None:
    """Runs the command line and exits: 0 ok, 1 error, 2 usage, 3 verification, 130 interrupted."""
    from sftdata.errors import SftdataError

    escape_unencodable()
    try:
        check_arguments(sys.argv[1:])
        cli(standalone_mode=False)
    except click.ClickException as error:
        from sftdata.base.escaping import escape

        click.echo(escape(_usage(error), keep_newlines=True), err=True)  # it quotes the arguments
        sys.exit(error.exit_code)
    except SftdataError as error:
        from sftdata.cli.output import print_error

        print_error(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted. Run the same command to resume.", err=True)
        sys.exit(130)
    except UnicodeEncodeError as error:
        if sys.getfilesystemencoding() == "utf-8":
            raise
        from sftdata.cli.output import print_error

        print_error(foreign_bytes(f"'{error.object[:200]}'"))
        sys.exit(1)
    except OSError as error:
        from sftdata.cli.output import print_error

        where = f"{error.filename}: " if error.filename else ""
        print_error(
            SftdataError(
                f"{where}{error.strerror or error}.",
                "Check the disk and the permissions. Earlier datasets are unchanged.",
            )
        )
        sys.exit(1)
    except MemoryError:
        from sftdata.cli.output import print_error

        print_error(
            SftdataError(
                "The memory does not suffice.",
                "Use fewer workers, or look for a row of extreme size. Earlier datasets are "
                "unchanged.",
            )
        )
        sys.exit(1)
    finally:
        gc.freeze()  # else Python searches all objects for cycles before the process ends


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    if context is None:
        return f"Error: {error.format_message()}"
    usage = f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n"
    return f"{usage}\nError: {error.format_message()}"
