"""sftdata export."""

from __future__ import annotations

from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.output import DATASET, print_json
from sftdata.errors import SftdataError, VerificationError


@click.command("export")
@click.argument("dataset", type=DATASET)
@click.option(
    "--to",
    "format_name",
    required=True,
    metavar="FORMAT",
    help="trl, axolotl, llamafactory, megatron, olmo, messages or prompt-completion.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Write here."
)
@click.option("--max-length", type=int, metavar="N", help="For megatron: use this pack plan.")
@click.option("--allow-draft", is_flag=True, help="Export a dataset of unreleased templates.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(
    dataset: Path,
    format_name: str,
    out: Path,
    max_length: int | None,
    allow_draft: bool,
    as_json: bool,
) -> None:
    """Write DATASET in the format another trainer takes.

    Example: sftdata export data/summarize --to trl --out summarize-trl
    """
    from sftdata.exporting.formats import export
    from sftdata.inspecting.verify import find_faults
    from sftdata.writing.manifest import read_manifest

    if read_manifest(dataset)["draft"] and not allow_draft:
        raise SftdataError(
            f"{dataset} is a draft: its template was never released.",
            "Release the template and build again, or, for a trial: --allow-draft",
        )
    faults = find_faults(dataset)
    if faults:
        raise VerificationError(
            f"{dataset} does not agree with its manifest:\n" + "\n".join(faults[:10]),
            "Build it again; what is intact is reused.",
        )
    files = export(dataset, format_name, out, max_length=max_length)
    if as_json:
        print_json({"format": format_name, "files": [str(path) for path in files]})
    else:
        click.echo("\n".join(escape(str(path)) for path in files))
