"""sftdata export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.cli.faults import damaged
from sftdata.cli.options import DATASET, FOLDER, json_option
from sftdata.cli.output import print_json, print_note
from sftdata.errors import SftdataError

if TYPE_CHECKING:
    from sftdata.loading.conversations import ConversationRow
    from sftdata.loading.dataset import Dataset


@click.command("export")
@click.argument("dataset", type=DATASET)
@click.option(
    "--to",
    "format_name",
    required=True,
    metavar="FORMAT",
    help="hf, parquet or jsonl; trl, axolotl, llamafactory, open-instruct, mds, megatron-packed or "
    "olmo-core; messages or prompt-completion.",
)
@click.option("--out", type=FOLDER, required=True, help="Write the files to this folder.")
@click.option(
    "--max-length",
    type=click.IntRange(min=2),
    metavar="N",
    help="For megatron-packed: use the pack plan with N tokens.",
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
    from sftdata.exporting.export import export
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
    exported = export(
        dataset,
        format_name,
        out,
        max_length=max_length,
        with_text=with_text,
        read_rows=read_rows,
        report=print_note,
    )
    if as_json:
        files = [str(path) for path in exported.files]
        settings = {"loading": exported.loading, "lacks": exported.lacks}
        print_json({"format": format_name, "files": files} | settings)
        return
    click.echo("\n".join(escape(str(path)) for path in exported.files))
    print_note(f"Not in these files: {exported.lacks}\nLoad them with:\n")
    print_note(indent(exported.loading, "  "))


def read_rows(data: Dataset) -> Iterator[ConversationRow]:
    """The rows of a dataset as messages, read again from their sources."""
    from sftdata.inspecting.conversations import read_conversations
    from sftdata.serving.template_turns import read_template_rows

    if data.manifest.holds_conversations:
        yield from read_conversations(data)
    if data.manifest.holds_templates:
        yield from read_template_rows(data)
