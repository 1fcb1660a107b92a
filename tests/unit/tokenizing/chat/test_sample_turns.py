"""Sample conversations: laid out by the template, with each stand-in in its place."""

from __future__ import annotations

import datetime
from pathlib import Path

from support.made_chats import make_tokenizer

from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.sample_turns import Item, StandIn, lay_out_samples
from sftdata.tokenizing.chat.template import load_chat_template
from sftdata.tokenizing.load import load_tokenizer

ALL = """{%- for m in messages -%}<|turn|>{{ m.role }}: {{ m.content }}<|end|>{%- endfor -%}"""
NO_SYSTEM = "{%- if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif -%}" + ALL


def show(item: Item) -> str:
    if isinstance(item, int):
        return "|"
    return f"<{item.kind}>" if isinstance(item, StandIn) else item


def lay_out(template: str, byte_tokenizer: Path, folder: str) -> list[str]:
    """The laid-out conversations as text; control tokens as `|`, stand-ins as their kind."""
    made = make_tokenizer(byte_tokenizer, template, Path(folder), eos="<eos>")
    tokenizer = load_tokenizer(str(made))
    date = datetime.date(2026, 1, 31)
    chat = ConversationFormat(tokenizer, load_chat_template(tokenizer, {}, date))
    return ["".join(map(show, items)) for items in lay_out_samples(chat)]


def test_a_made_text_stands_where_the_template_shows_it(byte_tokenizer: Path) -> None:
    shown = lay_out(ALL, byte_tokenizer, "all")
    assert "|user: <text>||assistant: <text>||user: <text>||assistant: <text>|" in shown
    assert any(text.startswith("|system: <text>|") for text in shown)


def test_what_a_template_refuses_is_left_out(byte_tokenizer: Path) -> None:
    shown = lay_out(NO_SYSTEM, byte_tokenizer, "no-system")
    assert shown
    assert not any("system" in text for text in shown)
