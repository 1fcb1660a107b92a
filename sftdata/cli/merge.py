"""sftdata merge."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import FOLDER, json_option
from sftdata.cli.output import print_json
from sftdata.cli.train_extra import needs_train_extra


@click.command("merge")
@click.argument("adapter", type=FOLDER)
@click.option("--out", type=FOLDER, required=True, help="Write the model to this folder.")
@click.option("--model", metavar="DIR_OR_NAME", help="The base model, if it was moved.")
@click.option("--trust-remote-code", is_flag=True, help="Allow the model to run code of its own.")
@json_option()
@needs_train_extra
def command(
    adapter: Path, out: Path, model: str | None, trust_remote_code: bool, as_json: bool
) -> None:
    """Merge ADAPTER into its base model, as a model folder that serves alone.

    The folder has the weights, the tokenizer, the chat template, the stop ids and the record of
    the training. The outputs of both are compared, and the difference is printed.

    Example: sftdata merge adapters/summarize --out models/summarize
    """
    from dataclasses import asdict

    from sftdata.serving.passport import read_passport
    from sftdata_train.merge import describe_check, merge

    check = merge(adapter, out, model=model, trust_remote_code=trust_remote_code)
    if as_json:
        print_json({"model": str(out), **asdict(check)})
        return
    where = escape(str(out))
    click.echo(f"Merged.\n  model     {where}\n  outputs   {describe_check(check)}")
    question = "--row '{…}'" if read_passport(out)["templates"] else "--messages '[…]'"
    click.echo(f"  next      sftdata generate --adapter {escape(shlex.quote(str(out)))} {question}")
