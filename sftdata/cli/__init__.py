"""The command line. Each command parses its options, calls the library and prints."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from sftdata.cli.interrupts import keep_interrupts
from sftdata.cli.lazy_group import LazyGroup
from sftdata.cli.streams import (
    check_arguments,
    escape_unencodable,
    fill_closed_streams,
    foreign_bytes,
)

if TYPE_CHECKING:
    from sftdata.errors import SftdataError

_COMMANDS = {
    "audit": "sftdata.cli.audit",
    "build": "sftdata.cli.build",
    "cache": "sftdata.cli.cache",
    "compare-runs": "sftdata.cli.compare_runs",
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
    "push": "sftdata.cli.push",
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
    "compare-runs": "Compare evaluations: which data made the better model.",
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
    "push": "Publish a dataset, an adapter or a model on the Hugging Face Hub.",
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
    """Turn golden sets into exact, tokenized data for supervised fine-tuning.

    Example: sftdata build --task summarize
    """


def main() -> None:
    """Runs the command line and exits: 0 ok, 1 error, 2 usage, 3 verification, 130 interrupted."""
    from sftdata.errors import SftdataError

    keep_interrupts()
    fill_closed_streams()
    escape_unencodable()
    try:
        check_arguments(sys.argv[1:])
        cli(standalone_mode=False)
    except click.ClickException as error:
        _end_by_usage(error)
    except SftdataError as error:
        _end(error)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted. Run the same command to resume.", err=True)
        sys.exit(130)
    except UnicodeEncodeError as error:
        if sys.getfilesystemencoding() == "utf-8":
            raise
        _end(foreign_bytes(f"'{error.object[:200]}'"))
    except Exception as error:
        from sftdata.base.out_of_memory import is_out_of_memory
        from sftdata.cli.faults import explain_os_error, out_of_memory

        if is_out_of_memory(error):
            _end(out_of_memory())
        if not isinstance(error, OSError):
            raise
        _end(explain_os_error(error))
    finally:
        gc.freeze()  # else Python searches all objects for cycles before the process ends


def _end(error: SftdataError) -> NoReturn:
    from sftdata.cli.output import print_error

    print_error(error, as_json="--json" in sys.argv)
    sys.exit(error.exit_code)


def _end_by_usage(error: click.ClickException) -> NoReturn:
    from sftdata.base.escaping import escape
    from sftdata.errors import UsageError

    message = error.format_message()
    for argument in sys.argv[1:]:
        if "\n" in argument:  # it would make a line of its own
            message = message.replace(argument, escape(argument))
    if "--json" in sys.argv:
        _end(UsageError(message))
    context = getattr(error, "ctx", None)
    if context is not None:
        help_ = f"Try '{context.command_path} --help' for help."
        click.echo(f"{context.get_usage()}\n{help_}\n", err=True)
    shown = escape(message, keep_newlines=True)  # it quotes the arguments
    click.echo(f"Error {UsageError.code}: {shown}", err=True)
    sys.exit(error.exit_code)
