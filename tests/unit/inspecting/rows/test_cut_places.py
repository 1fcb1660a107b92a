"""The place where a row was cut is found from its ledger line and its template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from sftdata.building.build import build
from sftdata.examples import fit
from sftdata.examples.shorten import Cut
from sftdata.inspecting.rows.inspector import InspectedRow, Inspector
from sftdata.inspecting.rows.select import RowFilter, choose_rows
from sftdata.inspecting.rows.views import Span, view_spans
from sftdata.loading.dataset import load

TEMPLATE = """{{#
shorten = "article"
#}}
{{% block prompt %}}
{prompt}
Summary:
{{% endblock %}}
{{% block target %}}{{{{ summary }}}}{{% endblock %}}
"""
SPEC = """
task = "news"
data = ["rows.jsonl"]
template = "news/own"
tokenizer = "{tokenizer}"
max_length = 120
keep = "{keep}"
[fields]
id = "id"
article = "article"
summary = "summary"
"""
ARTICLE = " ".join(f"Sentence number {i} ends here." for i in range(20))


def cut_row(
    tokenizer: Path, *, keep: str = "start", prompt: str = "News: {{ article }}"
) -> InspectedRow:
    folder = Path("templates/news")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own.jinja").write_text(TEMPLATE.format(prompt=prompt))
    Path("spec.toml").write_text(SPEC.format(tokenizer=tokenizer, keep=keep))
    rows = [{"id": "long", "article": ARTICLE, "summary": "S"}]
    rows += [{"id": f"r{i}", "article": "Short.", "summary": "S"} for i in range(5)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    build(spec="spec.toml", out="out")
    data = load("out")
    ((split, example),) = choose_rows(data, wanted=RowFilter(reason="max_length"))
    return Inspector(data).inspect(split, example)


def marked(spans: Sequence[Span]) -> str:
    return "".join(span.text for span in spans)


@pytest.mark.parametrize(
    ("keep", "before", "after"),
    [
        ("start", "ends here.", "\nSummary:\n"),
        ("end", "News: ", "Sentence number"),
    ],
)
def test_the_cut_is_marked_where_text_is_missing(
    byte_tokenizer: Path, keep: str, before: str, after: str
) -> None:
    row = cut_row(byte_tokenizer, keep=keep)
    assert row.cut is not None
    (place,) = row.cut.places
    assert row.prompt[:place].endswith(before)
    assert row.prompt[place:].startswith(after)
    assert f"{before}[cut]{after}" in marked(view_spans("text", row))


def test_the_middle_is_cut_at_both_sides(byte_tokenizer: Path) -> None:
    row = cut_row(byte_tokenizer, keep="middle")
    assert row.cut is not None
    start, end = row.cut.places
    assert row.prompt[:start] == "News: "
    assert row.prompt[end:] == "\nSummary:\n"
    assert row.prompt[start:end] in ARTICLE


def test_all_of_the_text_is_still_there(byte_tokenizer: Path) -> None:
    row = cut_row(byte_tokenizer)
    assert row.cut is not None
    spans = [span for span in view_spans("text", row) if span.mark != "cut"]
    assert marked(spans) == f"{row.prompt}{row.target}<eos>"
    assert row.cut.detail.startswith("article: kept")


def test_without_the_recorded_template_a_line_says_that_the_row_was_cut(
    byte_tokenizer: Path,
) -> None:
    for prompt in ("News: {{ article | trim }}", "News: {{ article }}"):
        row = cut_row(byte_tokenizer, prompt=prompt)
    Path("templates/news/own.jinja").write_text(TEMPLATE.format(prompt="Other: {{ article }}"))
    data = load("out")
    shown = Inspector(data).inspect("train", row.example)
    assert shown.cut is not None
    assert shown.cut.places == ()
    first = view_spans("text", shown)[0]
    assert first == Span(f"[cut] {shown.cut.detail}\n", "cut")


def test_a_template_that_needs_jinja_gives_no_place(byte_tokenizer: Path) -> None:
    row = cut_row(byte_tokenizer, prompt="News: {{ article | trim }}")
    assert row.cut is not None
    assert row.cut.places == ()


def test_a_row_that_was_not_cut_has_no_cut(byte_tokenizer: Path) -> None:
    cut_row(byte_tokenizer)
    data = load("out")
    ((split, example),) = choose_rows(data, row_id="r1")
    assert Inspector(data).inspect(split, example).cut is None


def test_where_whole_sentences_do_not_fit_all_that_does_is_kept(
    byte_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With merges over a sentence's end fewer characters can be more tokens; bytes have no merges.
    def cut(texts: list[str], *_: object) -> list[Cut]:
        return [Cut(len(text), snapped=text[:400], longest=text[:50]) for text in texts]

    monkeypatch.setattr(fit, "shorten_texts", cut)
    row = cut_row(byte_tokenizer)
    assert row.prompt == f"News: {ARTICLE[:50]}\nSummary:\n"
    assert row.cut is not None
    assert row.cut.detail.startswith("article: kept 50 of")
