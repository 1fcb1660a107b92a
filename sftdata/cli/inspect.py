"""sftdata inspect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftdata.cli.output import DATA_SET, console, json_option, print_json
from sftdata.escaping import escape

if TYPE_CHECKING:
    from rich.text import Text

    from sftdata.inspection import Inspected

_PROMPT, _TARGET, _CONTROL = "dim", "bold green", "bold reverse"


@click.command("inspect")
@click.argument("dataset", type=DATA_SET)
@click.option("--split", help="Look in this split. Default: the first, or all for --row.")
@click.option("--row", "row_id", metavar="ID", help="Show the row with this id.")
@click.option("--index", type=int, help="Show the row at this place, counted from 0.")
@click.option("--random", "sample", type=click.IntRange(min=1), metavar="N", help="Show N rows.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of --random.")
@json_option()
def command(
    dataset: Path,
    split: str | None,
    row_id: str | None,
    index: int | None,
    sample: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Show examples of DATASET: prompt dim, target bright, control tokens in reverse.

    Example: sftdata inspect data/summarize --split train --index 0
    """
    if sum(option is not None for option in (row_id, index, sample)) > 1:
        raise click.UsageError("Use one of --row, --index and --random.")
    from sftdata.inspection import Inspector, choose_rows
    from sftdata.loader import load

    data = load(dataset)
    inspector = Inspector(data)
    rows = choose_rows(data, split=split, row_id=row_id, index=index, sample=sample, seed=seed)
    control = set(inspector.tokenizer.control_tokens.values()) | {inspector.tokenizer.eos_id}
    for name, example in rows:
        inspected = inspector.inspect(name, example)
        if as_json:
            print_json(inspected.to_json())
        else:
            console().print(_view(inspected, control), soft_wrap=True)


def _view(inspected: Inspected, control: set[int]) -> Text:
    from rich.text import Text

    example = inspected.example
    tokens = len(example.input_ids)
    text = Text()
    text.append(
        f"{escape(example.row_id)}  {inspected.split}  {escape(example.template)}  "
        f"{tokens:,} tokens, target from {example.target_start:,}\n"
    )
    if int(example.input_ids[0]) in control:
        text.append(escape(inspected.tokens[0]), _CONTROL)
    text.append(escape(inspected.prompt, keep_newlines=True), _PROMPT)
    text.append(escape(inspected.target, keep_newlines=True), _TARGET)
    text.append(escape(inspected.tokens[-1]), _CONTROL)
    text.append("\n\n")
    for place, token in enumerate(inspected.tokens):
        token_id = int(example.input_ids[place])
        style = _TARGET if example.label_mask[place] else _PROMPT
        text.append(escape(token), _CONTROL if token_id in control else style)
        text.append(" ")
    text.append("\n")
    return text
