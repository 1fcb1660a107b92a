"""sftdata push."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.cli.faults import damaged
from sftdata.cli.options import FILE, FOLDER, json_option
from sftdata.cli.output import print_json, print_note
from sftdata.errors import SftdataError, TokenizerError

if TYPE_CHECKING:
    from sftdata.exporting.push import Pushed, Repository


@click.command("push")
@click.argument("source", type=FOLDER, metavar="DATASET|ADAPTER|MODEL")
@click.argument("target", metavar="hf:USER/NAME")
@click.option("--private", is_flag=True, help="Create the repository as a private one.")
@click.option(
    "--with-text",
    is_flag=True,
    help="For a dataset: add Parquet files with prompt and target as text.",
)
@click.option("--allow-draft", is_flag=True, help="Push even if a template is not released.")
@click.option(
    "--allow-secrets",
    is_flag=True,
    help="Push a dataset without a search for keys and card numbers.",
)
@click.option(
    "--evaluation",
    type=FILE,
    metavar="FILE",
    help="For an adapter or model: show the results in FILE, which eval --json printed.",
)
@json_option()
def command(
    source: Path,
    target: str,
    private: bool,
    with_text: bool,
    allow_draft: bool,
    allow_secrets: bool,
    evaluation: Path | None,
    as_json: bool,
) -> None:
    """Publish a dataset, an adapter or a merged model on the Hugging Face Hub.

    Only files that changed are sent, and appear in one commit; after a kill the same command goes
    on. The card of the repository is made from the record of the build or the training. Log in
    with `hf auth login`, or set HF_TOKEN.

    Example: sftdata push data/summarize hf:my-name/summarize --private
    """
    from sftdata.exporting.push import parse_target, push
    from sftdata.serving.passport import FILE as PASSPORT

    name = parse_target(target)
    with tempfile.TemporaryDirectory(prefix="sftdata-push-") as scratch:
        if (source / PASSPORT).is_file():
            _refuse({"--with-text": with_text, "--allow-secrets": allow_secrets}, "a dataset")
            repository = _model(source, name, allow_draft, evaluation)
        else:
            _refuse({"--evaluation": evaluation is not None}, "an adapter or a model")
            _check_dataset(source, allow_draft=allow_draft, allow_secrets=allow_secrets)
            from sftdata.exporting.dataset_repository import dataset_repository

            repository = dataset_repository(
                source, name, Path(scratch), with_text=with_text, report=print_note
            )
        pushed = push(repository, private=private, report=print_note)
    _print(pushed, as_json)


def _refuse(given: dict[str, bool], only: str) -> None:
    for option, is_given in given.items():
        if is_given:
            raise click.UsageError(f"{option} is for {only} only; leave it out.")


def _check_dataset(dataset: Path, *, allow_draft: bool, allow_secrets: bool) -> None:
    from sftdata.inspecting.secrets import find_secrets
    from sftdata.inspecting.verify import find_faults
    from sftdata.writing.manifest import read_manifest

    if read_manifest(dataset)["draft"] and not allow_draft:
        raise SftdataError(
            f"{dataset} is a draft: its template is not released.",
            "Release the template and build again, or push the draft: --allow-draft",
            code="E704",
        )
    faults = find_faults(dataset)
    if faults:
        raise damaged(dataset, faults)
    if allow_secrets:
        return
    from sftdata.cli.doctor import describe

    try:
        findings = find_secrets(dataset)
    except TokenizerError as error:
        raise SftdataError(
            f"The texts of {dataset} cannot be searched for secrets. {error}",
            "Or push without a search: --allow-secrets",
            code="E907",
        ) from error
    if findings:
        lines = [line for finding in findings for line in describe(finding)]
        raise SftdataError(
            "\n".join([f"{dataset} holds secrets, which a push would publish:", *lines]),
            "Or, if none of them is a secret, push all the same: --allow-secrets",
            code="E907",
        )


def _model(source: Path, name: str, allow_draft: bool, evaluation: Path | None) -> Repository:
    from sftdata.exporting.push import Repository
    from sftdata.serving.model_card import read_evaluation
    from sftdata.serving.model_files import list_model_files
    from sftdata.serving.passport import FILE as PASSPORT
    from sftdata.serving.passport import read_passport

    passport = read_passport(source)
    if passport["data"].get("draft") and not allow_draft:
        raise SftdataError(
            f"{source} was trained on a draft: the template of its dataset is not released.",
            "Release the template, build and train again, or push it as it is: --allow-draft",
            code="E704",
        )
    results = read_evaluation(evaluation) if evaluation is not None else None
    files = list_model_files(passport, name, results, report=print_note)
    replaced = ["*.safetensors", "*.safetensors.index.json", "adapter_config.json"]
    return Repository(name, "model", files, PASSPORT, replaced)


def _print(pushed: Pushed, as_json: bool) -> None:
    if as_json:
        print_json(asdict(pushed))
        return
    is_new = bool(pushed.sent or pushed.removed)
    click.echo("Pushed." if is_new else "Nothing to push: the repository holds the same files.")
    click.echo(f"  url       {escape(pushed.url)}")
    click.echo(f"  commit    {escape(pushed.commit)}")
    click.echo(
        f"  files     {len(pushed.sent):,} sent, {pushed.unchanged:,} unchanged, "
        f"{len(pushed.removed):,} removed"
    )
