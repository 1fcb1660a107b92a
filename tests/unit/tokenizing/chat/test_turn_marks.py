"""The headers of roles and the marks of parts, learned from what a template writes."""

from __future__ import annotations

import datetime
from pathlib import Path

from support.made_chats import make_tokenizer

from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.template import load_chat_template
from sftdata.tokenizing.chat.turn_marks import TurnMarks, learn_turn_marks
from sftdata.tokenizing.load import load_tokenizer

# A question stands between two marks; the answer has none of its own but a stop token.
BRACKETS = """<|bos|>{%- for m in messages -%}
{%- if m.role == 'user' -%}[INST] {{ m.content }}[/INST]
{%- elif m.role == 'assistant' -%}{{ m.content }}<|end|>
{%- else -%}{{ raise_exception('no ' + m.role) }}{%- endif -%}
{%- endfor -%}"""
CHANNELS = """{# <|channel|> #}{%- for m in messages -%}
<|start|>{{ m.role }}
{%- if m.reasoning_content %}<|channel|>thought<|text|>{{ m.reasoning_content }}<|stop|>{% endif -%}
{%- if m.role == 'assistant' %}<|channel|>answer{% endif -%}
<|text|>{{ m.content }}<|end|>
{%- endfor -%}
{%- if add_generation_prompt %}<|start|>assistant{% endif -%}"""
WORDS = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"


def learn(template: str, byte_tokenizer: Path) -> tuple[list[str], list[str]] | None:
    """The headers and the parts, as text."""
    tokenizer = load_tokenizer(
        str(make_tokenizer(byte_tokenizer, template, Path("made"), eos="<eos>"))
    )
    format_ = ConversationFormat(
        tokenizer, load_chat_template(tokenizer, {}, datetime.date(2026, 1, 31))
    )
    marks: TurnMarks | None = learn_turn_marks(format_)
    if marks is None:
        return None
    names = {number: text for text, number in tokenizer.control_tokens.items()}

    def show(segments: tuple[str | int, ...]) -> str:
        return "".join(part if isinstance(part, str) else names[part] for part in segments)

    headers = sorted(f"{header.role}: {show(header.segments)}" for header in marks.headers)
    return headers, sorted(f"{part.kind}: {show(part.opening)}" for part in marks.parts)


def test_a_header_is_what_stands_before_a_turn_without_bos(byte_tokenizer: Path) -> None:
    assert learn(BRACKETS, byte_tokenizer) == (["assistant: [/INST]", "user: [INST]"], [])


def test_parts_of_an_answer_have_marks_of_their_own(byte_tokenizer: Path) -> None:
    found = learn(CHANNELS, byte_tokenizer)
    assert found is not None
    headers, parts = found
    assert "user: <|start|>user<|text|>" in headers
    assert "assistant: <|start|>assistant<|channel|>" in headers
    assert parts == [
        "reasoning: <|channel|>thought<|text|>",
        "text: <|channel|>answer<|text|>",
    ]


def test_a_template_without_control_tokens_has_no_marks(byte_tokenizer: Path) -> None:
    assert learn(WORDS, byte_tokenizer) is None
