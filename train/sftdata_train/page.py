"""The page of `eval --html`: scores of each system, and rows to read."""

from __future__ import annotations

from sftdata.inspecting.compare.word_diff import diff_words
from sftdata.inspecting.pages.render import render_page
from sftdata_train.evaluation import Evaluation


def render_evaluation(evaluation: Evaluation) -> str:
    """One self-contained page."""
    return render_page(
        "evaluation",
        title=f"Evaluation of {evaluation.model}",
        evaluation=evaluation,
        diff_words=diff_words,
    )
