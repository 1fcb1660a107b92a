"""The page of a comparison: one HTML file without scripts, which asks for nothing from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2

from sftdata.base.escaping import escape
from sftdata.inspecting.compare.datasets import Comparison
from sftdata.inspecting.compare.word_diff import diff_words

_TEMPLATE = Path(__file__).parents[1] / "pages" / "diff.jinja"


def render_page(comparison: Comparison, names: tuple[str, str]) -> str:
    """The page; `names` are what the reader knows the two datasets by."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "visible": lambda text: escape(str(text)),
        "visible_lines": lambda text: escape(text, keep_newlines=True),
        "value": show_value,
    }
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        c=comparison,
        names=names,
        totals=list_totals(comparison),
        effects=list(list_effects(comparison)),
        diff_words=diff_words,
    )


def list_totals(comparison: Comparison) -> list[tuple[str, tuple[int, int]]]:
    """Labels, and the numbers of A and of B."""
    return [
        ("rows", comparison.rows),
        ("tokens", comparison.tokens),
        ("target tokens", comparison.target_tokens),
    ]


def list_effects(comparison: Comparison) -> Iterator[tuple[str, int]]:
    """Labels and numbers of rows, those that are not zero."""
    numbers = {
        "rows in both": comparison.in_both,
        "rows only in A": comparison.only_in_a,
        "rows only in B": comparison.only_in_b,
        **{f"rows with another {what}": n for what, n in comparison.changed.items()},
        **{f"newly dropped: {why}": n for why, n in comparison.newly_dropped.items()},
        **{f"no longer dropped: {why}": n for why, n in comparison.no_longer_dropped.items()},
        "newly cut": comparison.newly_cut,
        "no longer cut": comparison.no_longer_cut,
    }
    yield from ((label, number) for label, number in numbers.items() if number)
    moved = comparison.prompt_token_change
    if moved["min"] or moved["max"]:
        yield "prompt tokens a row, least change", moved["min"]
        yield "prompt tokens a row, median change", moved["p50"]
        yield "prompt tokens a row, most change", moved["max"]


def show_value(value: Any) -> str:
    """A value of a manifest as a reader writes it; long digests are shortened."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", text)
