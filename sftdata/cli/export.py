"""sftdata export."""

from __future__ import annotations

from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.faults import damaged
from sftdata.cli.options import DATASET, FOLDER, json_option
from sftdata.cli.output import print_json, print_note
from sftdata.errors import SftdataError


@click.command("export")
@click.argument("dataset", type=DATASET)
@click.option(
    "--to",
    "format_name",
    required=True,
    metavar="FORMAT",
    help="hf, parquet or jsonl; trl, axolotl, llamafactory, megatron or olmo; messages or "
    "prompt-completion.",
)
@click.option("--out", type=FOLDER, required=True, help="Write the files to this folder.")
@click.option(
    "--max-length",
    type=click.IntRange(min=2),
    metavar="N",
    help="For megatron: use the pack plan with N tokens.",
)
@click.option(
    "--with-text", is_flag=True, help="For hf, parquet and jsonl: add prompt and target as text."
)
@click.option("--allow-draft", is_flag=True, help="Export even if a template is not released.")
@json_option()
def command(
    dataset: Path,
    format_name: str,
    out: Path,
    max_length: int | None,
    with_text: bool,
    allow_draft: bool,
    as_json: bool,
) -> None:
    """Write DATASET in the format of another trainer.

    Example: sftdata export data/summarize --to trl --out summarize-trl
    """
    from sftdata.exporting.formats import export
    from sftdata.inspecting.conversations import read_conversations
    from sftdata.inspecting.verify import find_faults
    from sftdata.writing.manifest import read_manifest

    if read_manifest(dataset)["draft"] and not allow_draft:
        raise SftdataError(
            f"{dataset} is a draft: its template is not released.",
            "Release the template and build again, or export the draft: --allow-draft",
            code="E704",
        )
    faults = find_faults(dataset)
    if faults:
        raise damaged(dataset, faults)
    files = export(
        dataset,
        format_name,
        out,
        max_length=max_length,
        with_text=with_text,
        read_conversations=read_conversations,
        report=print_note,
    )
    if as_json:
        print_json({"format": format_name, "files": [str(path) for path in files]})
    else:
        click.echo("\n".join(escape(str(path)) for path in files))
