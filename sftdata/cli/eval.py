"""sftdata eval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import DATASET, FILE, FOLDER, decoding_option, json_option
from sftdata.cli.output import print_json, print_note
from sftdata.cli.train_extra import needs_train_extra

if TYPE_CHECKING:
    from sftdata_train.evaluating.evaluation import Evaluation
    from sftdata_train.generating.decoding import Mode


@click.command("eval")
@click.argument("dataset", type=DATASET)
@click.option("--model", required=True, metavar="DIR_OR_NAME", help="The base model.")
@click.option("--adapter", type=FOLDER, help="Compare this adapter with the base model.")
@click.option("--shots", metavar="K,…", help="Solved examples before each prompt, such as 0,4.")
@click.option("--split", default="test", show_default=True, help="Rows to evaluate on.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Evaluate N rows of the split."
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Prompts answered at once.",
)
@click.option(
    "--max-new-tokens", type=click.IntRange(min=1), metavar="N", help="Cut answers after N tokens."
)
@decoding_option()
@click.option(
    "--html", type=FILE, metavar="FILE", help="Also write the results to a page that opens offline."
)
@click.option(
    "--answers",
    type=FOLDER,
    metavar="DIR",
    help="Keep the answers in DIR, a file for each system, written while they are generated; those "
    "that are there are not generated again. Without it, they are in the cache until the end.",
)
@click.option(
    "--save",
    type=FILE,
    metavar="FILE",
    help="Also save all rows with losses and answers, for `sftdata compare-runs`.",
)
@click.option("--trust-remote-code", is_flag=True, help="Allow the model to run code of its own.")
@json_option()
@needs_train_extra
def command(
    dataset: Path,
    model: str,
    adapter: Path | None,
    shots: str | None,
    split: str,
    limit: int | None,
    batch_size: int,
    max_new_tokens: int | None,
    decoding: Mode,
    html: Path | None,
    answers: Path | None,
    save: Path | None,
    trust_remote_code: bool,
    as_json: bool,
) -> None:
    """Measure loss and answers of the model, without and with an adapter, on rows of DATASET.

    After a kill, the same command goes on with the answers that are missing.

    Example: sftdata eval data/summarize --model path/to/model --adapter adapters/summarize
    """
    from sftdata.inspecting.pages.render import check_page_path, save_page
    from sftdata_train.evaluating.evaluation import evaluate

    if html is not None:
        check_page_path(html)  # before hours of work
    if save is not None:
        from sftdata_train.evaluating.run_record import check_run_path

        check_run_path(save)
    found = evaluate(
        dataset,
        model,
        adapter,
        shots=_parse_counts(shots),
        split=split,
        limit=limit,
        batch_size=batch_size,
        max_new_tokens=max_new_tokens,
        decoding=decoding,
        answers=answers,
        trust_remote_code=trust_remote_code,
        report=print_note,
    )
    if save is not None:
        from sftdata_train.evaluating.run_record import save_evaluation

        save_evaluation(save, found.settings, found.rows)
    if html is not None:
        from sftdata_train.evaluating.page import render_evaluation

        save_page(html, render_evaluation(found))
    print_json(found.to_json()) if as_json else click.echo(_tables(found))


def _parse_counts(text: str | None) -> list[int] | None:
    if text is None:
        return None
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise click.BadParameter(
            f"'{text}' is not whole numbers with commas between them.", param_hint="--shots"
        )
    return list(dict.fromkeys(int(part) for part in parts))


def _tables(found: Evaluation) -> str:
    from sftdata_train.perplexity import perplexity

    lines = []
    for task in found.results[0].scores:
        names = [score.name for score in found.results[0].scores[task]]
        head = f"{escape(task)[:12]:12} {'shots':>5} {'rows':>6} {'loss':>8} {'perplexity':>10}"
        lines.append(head + "".join(f" {name:>24}" for name in names))
        for result in found.results:
            loss = result.task_loss[task]
            scores = "".join(
                f" {f'{s.value:.1f} [{s.low:.1f}, {s.high:.1f}]':>24}" for s in result.scores[task]
            )
            lines.append(
                f"{result.system:12} {result.shots:>5} {result.task_rows[task]:>6,} "
                f"{loss:>8.4f} {perplexity(loss):>10.3f}{scores}"
            )
        lines += [
            f"tuned, {c.shots} shots, {c.describe()}" for c in found.comparisons if c.task == task
        ]
        lines += [f"{s.name}: {s.signature}" for s in found.results[0].scores[task] if s.signature]
        lines.append("")
    if len(found.results[0].scores) > 1:
        lines += [
            f"{r.system}, {r.shots} shots: loss {r.loss:.4f} over the rows of all tasks"
            for r in found.results
        ]
        lines.append("")
    lines[-1] = f"decoding: {found.decoding.describe()}"
    return escape("\n".join(lines), keep_newlines=True)
