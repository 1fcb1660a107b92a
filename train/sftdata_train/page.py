"""An evaluation as one HTML page: the table, and rows to read. Text from data is inert in it."""

from __future__ import annotations

import html

from sftdata.base.escaping import escape
from sftdata_train.evaluation import Evaluation, GalleryRow, SystemResult

_STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { border-bottom: 1px solid #ccc; padding: .25rem .75rem; text-align: right; }
td:first-child, th:first-child { text-align: left; }
pre { background: #f6f6f6; padding: .5rem; white-space: pre-wrap; overflow-wrap: anywhere; }
small { color: #666; }
"""


def render_page(evaluation: Evaluation) -> str:
    """The page's text. It loads nothing."""
    title = f"Evaluation of {evaluation.model}"
    about = (
        f"{evaluation.dataset}, build {evaluation.build}, split {evaluation.split}; "
        f"adapter: {evaluation.adapter or 'none'}"
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{_inert(title)}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{_inert(title)}</h1>\n<p>{_inert(about)}</p>\n"
        + "".join(_table(evaluation.results, task) for task in evaluation.results[0].scores)
        + "<h2>Rows</h2>\n"
        + "".join(map(_row, evaluation.gallery))
        + "</html>\n"
    )


def _table(results: list[SystemResult], task: str) -> str:
    names = [score.name for score in results[0].scores[task]]
    head = "".join(f"<th>{_inert(name)}" for name in ("system", "shots", "loss", *names))
    body = ""
    for result in results:
        cells = [result.system, str(result.shots), f"{result.loss:.4f}"]
        scores = "".join(
            f"<td>{score.value:.1f} <small>{score.low:.1f} to {score.high:.1f}</small>"
            for score in result.scores[task]
        )
        body += "<tr>" + "".join(f"<td>{_inert(cell)}" for cell in cells) + scores + "\n"
    signatures = {s.name: s.signature for s in results[0].scores[task] if s.signature}
    notes = "".join(f"<br>{_inert(name)}: {_inert(sig)}" for name, sig in signatures.items())
    return (
        f"<h2>{_inert(task)}</h2>\n<table><tr>{head}\n{body}</table>\n"
        f"<p><small>Loss is over all rows; intervals are 95 % by resampling rows.{notes}</small>\n"
    )


def _row(shown: GalleryRow) -> str:
    parts = {"prompt": shown.prompt, "reference": shown.reference} | shown.answers
    return f"<h3>{_inert(shown.row_id)}</h3>\n" + "".join(
        f"<p>{_inert(name)}\n<pre>{_inert(text)}</pre>\n" for name, text in parts.items()
    )


def _inert(text: str) -> str:
    return html.escape(escape(text, keep_newlines=True))
