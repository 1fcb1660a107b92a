"""Chat templates: the options they read, and options that nothing would read."""

from __future__ import annotations

import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sftdata.errors import TemplateError
from sftdata.tokenizing.chat.template import ChatTemplate, load_chat_template, read_template_file

SOURCE = (
    "{% if enable_thinking is defined and enable_thinking %}<think>{% endif %}"
    "{{ bos_token }}{{ strftime_now('%Y') }}{{ messages[0].content }}{{ raise_exception }}"
    "{% set own = 1 %}{{ own }}"
)


def check(source: str, **options: Any) -> str:
    """The error or the note; "" if the template reads every option."""
    special = {"bos_token": "<s>"}
    template = ChatTemplate(source, "made", special, options, datetime.date(2026, 1, 31))
    try:
        return template.check_options() or ""
    except TemplateError as error:
        return f"Error: {error}"


def test_options_that_the_template_reads_are_no_fault() -> None:
    assert check(SOURCE, enable_thinking=False, bos_token="") == ""


def test_a_slip_of_the_pen_is_an_error() -> None:
    assert check(SOURCE, enable_thinkin=False) == (
        "Error: The chat template of the tokenizer 'made' has no option 'enable_thinkin' "
        "(chat_options).\nDid you mean 'enable_thinking'?"
    )


@pytest.mark.parametrize("name", ["messages", "tools", "add_generation_prompt"])
def test_what_each_conversation_has_of_its_own_is_no_option(name: str) -> None:
    assert check(SOURCE, **{name: 1}) == (
        f"Error: {name} cannot be set by chat_options: each conversation has its own.\n"
        "Leave it out."
    )


@pytest.mark.parametrize("name", ["strftime_now", "own", "x"])
def test_an_option_that_nothing_reads_is_noted(name: str) -> None:
    assert check(SOURCE, **{name: 1}) == (
        f"The chat template of the tokenizer 'made' does not read {name} (chat_options); it "
        "changes nothing."
    )


@pytest.mark.parametrize("line", ["{% if %}", "{{ messages | no_such_filter }}"])
def test_a_file_that_does_not_parse_is_named_with_the_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "chat.jinja"
    path.write_text(f"{{# fine #}}\n{line}\n")
    with pytest.raises(TemplateError, match=r"chat\.jinja:2: the chat template does not parse"):
        read_template_file(str(path))


def test_a_template_that_does_not_parse_is_no_fault_of_the_rows() -> None:
    assert check("{% if %}").startswith(
        "Error: The chat template of the tokenizer 'made' does not parse: Expected an expression"
    )


def test_a_source_of_any_length_is_not_compiled() -> None:
    tokenizer = SimpleNamespace(name="made", chat_template="x" * 200_001, special_texts={})
    with pytest.raises(TemplateError, match=r"'made' has 200,001 characters; at most 200,000"):
        load_chat_template(tokenizer, {}, datetime.date(2026, 1, 31))  # type: ignore[arg-type]


def test_a_file_of_any_length_is_not_compiled() -> None:
    Path("chat.jinja").write_text("x" * 200_001)
    with pytest.raises(TemplateError, match=r"chat\.jinja: a chat template has at most 200,000"):
        read_template_file("chat.jinja")


@pytest.mark.parametrize("chain", ["+1", "|trim", "[0]", ".a", "()", " and 1"])
def test_a_long_chain_is_one_error_wherever_the_template_is_read_first(chain: str) -> None:
    template = ChatTemplate(
        f"{{{{ x{chain * 3000} }}}}", "made", {}, {}, datetime.date(2026, 1, 31)
    )
    with pytest.raises(TemplateError, match="'made' is nested too deeply"):
        _ = template.uses_date
    with pytest.raises(TemplateError, match="'made' does not parse: it is nested too deeply"):
        template.check_options()
