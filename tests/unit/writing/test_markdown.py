"""Text from data in Markdown: shown as it is, never as markup."""

from __future__ import annotations

import html

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sftdata.writing.markdown import code, code_block, plain, quote, table


def test_a_quotation_keeps_line_ends_and_spaces() -> None:
    assert quote("a\n  b\n\nc  d") == "> a\\\n> &nbsp;&nbsp;b\n>\n> c&nbsp;&nbsp;d"


@given(st.text(st.sampled_from("a1 \n#>*_`<&|\\.)-+=~\t[]!"), max_size=30))
def test_a_quotation_is_paragraphs_of_text_and_nothing_else(text: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).parse(quote(text))
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    assert kinds <= {"blockquote", "paragraph", "inline"}
    inline = [child for token in tokens for child in token.children or []]
    assert {token.type for token in inline} <= {"text", "text_special", "hardbreak", "softbreak"}
    words = "".join(t.content for t in inline).replace("\xa0", " ").replace(" ", "")
    assert words == text.replace("\n", "").replace("\t", "\\t").replace(" ", "")


def test_markup_is_text() -> None:
    assert plain("*a* <b> [c](d)") == "\\*a\\* &lt;b&gt; \\[c\\]\\(d\\)"
    assert html.unescape(plain("<b>")) == "<b>"


def test_columns_of_numbers_are_on_the_right() -> None:
    shown = table(("source", "rows"), [("a", "1")], numbers=[1])
    assert shown == "| source | rows |\n| --- | ---: |\n| a | 1 |"


@given(st.text(st.sampled_from("a1 *_`<&|\\[]~"), min_size=1, max_size=20))
def test_a_code_span_shows_any_text_also_in_a_table(text: str) -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(table(("name",), [(code(f"x{text}y"),)]))
    (span,) = (child for token in tokens for child in token.children or [] if child.type != "text")
    assert span.type == "code_inline"
    if "\\|" not in text:  # in a table no code span can hold these two
        assert span.content == f"x{text}y"


def test_a_code_block_ends_where_its_text_ends() -> None:
    assert code_block("text", "a\n```\x1b\n") == "````text\na\n```\\x1b\n````"
