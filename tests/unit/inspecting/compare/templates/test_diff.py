"""The template diff: text by word, tokens by row and in sum, the same samples each time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sftdata.inspecting.compare.templates.diff import TemplateDiff
from sftdata.inspecting.compare.templates.text import to_markdown, to_text
from sftdata.inspecting.compare.templates.tokens import RowTokens
from sftdata.inspecting.compare.templates.versions import diff_versions

SOURCE = (
    '{# shorten = "article" #}\n'
    "{% block prompt %}\nRead:\n{{ article }}\n{% endblock %}\n"
    "{% block target %}\n{{ summary }}\n{%- endblock %}"
)


def compare(
    byte_tokenizer: Path, was: str, becomes: str, rows: list[dict[str, str]]
) -> TemplateDiff:
    Path("templates/news").mkdir(parents=True)
    assert was in SOURCE
    Path("templates/news/old.jinja").write_text(SOURCE)
    Path("templates/news/new.jinja").write_text(SOURCE.replace(was, becomes))
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return diff_versions(
        "news/old", "news/new", data=["rows.jsonl"], tokenizer=str(byte_tokenizer), max_length=40
    )


def rows_of(*articles: str) -> list[dict[str, str]]:
    return [{"id": f"r{i}", "article": a, "summary": f"S{i}"} for i, a in enumerate(articles)]


def tokens(found: TemplateDiff) -> list[RowTokens]:
    return found.tokens.rows


def test_a_longer_prompt_shows_in_each_row_and_in_sum(byte_tokenizer: Path) -> None:
    found = compare(byte_tokenizer, "Read:", "Read now:", rows_of("abc", "d" * 25))
    #          Read:\n abc \n   Read now:\n abc \n ; the first byte that differs is after "Read"
    assert tokens(found)[0] == RowTokens("r0", (10, 14), 4, False, False, ("kept", "kept"))
    # 6 + 25 + 1 + 2 + EOS = 35 of 40 tokens; four more fit, too.
    assert tokens(found)[1].fate == ("kept", "kept")
    assert found.tokens.summarize() == {
        "rows": 2, "prompt_tokens_before": 42, "prompt_tokens_after": 50,
        "prompt_tokens_change": 8, "rows_changed": 2, "newly_cut": 0, "newly_dropped": 0,
        "target_changed": 0, "boundary_changed": 0,
    }  # fmt: skip


def test_rows_that_are_cut_or_dropped_only_now_are_counted(byte_tokenizer: Path) -> None:
    found = compare(byte_tokenizer, "Read:", "Read now:", rows_of("a b " * 7))
    assert [row.fate for row in tokens(found)] == [("kept", "cut")]
    assert tokens(found)[0].prompt_tokens[1] <= 37


def test_without_a_field_to_shorten_a_long_row_is_dropped(byte_tokenizer: Path) -> None:
    found = compare(byte_tokenizer, '{# shorten = "article" #}\n', "", rows_of("a b " * 9))
    assert [row.fate for row in tokens(found)] == [("cut", "dropped")]
    assert "newly dropped            1" in to_text(found)


def test_a_target_that_changes_is_counted(byte_tokenizer: Path) -> None:
    found = compare(byte_tokenizer, "{{ summary }}", "{{ summary|lower }}", rows_of("a"))
    assert tokens(found)[0].target_changed
    assert tokens(found)[0].prompt_tokens == (8, 8)
    assert found.level == "major"


def test_the_samples_are_the_same_whatever_the_order_of_the_rows(byte_tokenizer: Path) -> None:
    found = compare(byte_tokenizer, "Read", "See", rows_of(*"abcdefghij"))
    lines = Path("rows.jsonl").read_text().splitlines(keepends=True)
    Path("rows.jsonl").write_text("".join(reversed(lines)))
    again = diff_versions(
        "news/old", "news/new", data=["rows.jsonl"], tokenizer=str(byte_tokenizer)
    )
    assert [s.row_id for s in found.samples] == [s.row_id for s in again.samples]
    assert len(found.samples) == 3


def test_markdown_lets_no_text_of_the_data_out_of_its_code(byte_tokenizer: Path) -> None:
    hostile = "```\n</details><script>|`\u202e"
    rows = [{"id": "<b>`|", "article": hostile, "summary": "s"}]
    text = to_markdown(compare(byte_tokenizer, "Read", "See", rows))
    assert "````diff" in text  # a longer fence than any in the text
    assert "<b>" not in text
    assert "\u202e" not in text
    assert "`PROMPT_TEXT_CHANGED`" in text
    assert "{+See:\n+}" in text


@pytest.mark.real
def test_on_a_real_golden_set_the_sums_are_those_of_the_rows(shared: Path) -> None:
    Path("templates/summarize").mkdir(parents=True)
    for name, word in (("one", "Read"), ("two", "Carefully read")):
        Path(f"templates/summarize/{name}.jinja").write_text(SOURCE.replace("Read", word))
    found = diff_versions(
        "summarize/one", "summarize/two", data=[str(shared / "golden" / "summarize.jsonl")],
        tokenizer=str(shared / "tokenizers" / "qwen3"), max_length=200, rows=300,
    )  # fmt: skip
    total = found.tokens.summarize()
    kept = [row for row in tokens(found) if row.fate == ("kept", "kept")]
    assert total["rows"] == 300
    assert {row.prompt_tokens[1] - row.prompt_tokens[0] for row in kept} == {2}
    assert total["target_changed"] == total["boundary_changed"] == 0
