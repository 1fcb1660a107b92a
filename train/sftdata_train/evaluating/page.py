"""The pages of `eval --html` and `compare-runs --html`: scores, and rows to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sftdata.inspecting.compare.word_diff import diff_words
from sftdata.inspecting.pages.render import render_page
from sftdata_train.evaluating.run_comparison import RunsComparison, show_value

if TYPE_CHECKING:
    from sftdata_train.evaluating.evaluation import Evaluation  # loads torch

_SHOWN_ROWS = 12


def render_evaluation(evaluation: Evaluation) -> str:
    """One self-contained page."""
    return render_page(
        "evaluation",
        title=f"Evaluation of {evaluation.model}",
        evaluation=evaluation,
        diff_words=diff_words,
    )


def render_runs(comparison: RunsComparison) -> str:
    """One self-contained page, with the first rows that the runs answer differently."""
    rows = list(zip(*comparison.compared, strict=True))
    different = [row for row in rows if len({one.answers["model"] for one in row}) > 1]
    return render_page(
        "runs",
        title="Runs compared",
        comparison=comparison,
        tasks=list(comparison.results[0].scores),
        rows=different[:_SHOWN_ROWS],
        different=len(different),
        show_value=show_value,
        diff_words=diff_words,
    )
