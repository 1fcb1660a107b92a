"""Layouts: the segments of an example, shown as the texts and tokens they stand for."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from support.made_chats import make_tokenizer

from sftdata.examples.layout import (
    ChatComposer,
    DrawnColumn,
    PlainComposer,
    Segment,
    Shots,
    count_prompt_segments,
    is_blank,
    segment_text,
    strip,
)
from sftdata.rendering.render import Rendered
from sftdata.tokenizing.chat.skeleton import ChatFormat
from sftdata.tokenizing.load import load_tokenizer


def column(*values: str) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


def shown(segments: list[Segment], row: int) -> list[str]:
    """Each segment of a row, `+` before those in the loss."""
    texts = (segment_text(segment, row, lambda token: f"<{token}>") for segment in segments)
    return [
        f"+{text}" if segment.in_loss else text
        for segment, text in zip(segments, texts, strict=True)
    ]


ROWS = Rendered(column("S\n", "S\n"), column("q1\n", "q2\n"), column("a1", "a2"))


def test_a_plain_example_is_bos_prompt_target_eos() -> None:
    segments = PlainComposer(bos_id=1, eos_id=2).compose(ROWS, None)
    assert shown(segments, 0) == ["<1>", "S\nq1\n", "+a1", "+<2>"]
    assert shown(segments, 1) == ["<1>", "S\nq2\n", "+a2", "+<2>"]
    assert count_prompt_segments(segments) == 2
    assert [segment.continues for segment in segments] == [False, False, True, False]


def test_without_a_bos_the_prompt_comes_first() -> None:
    assert shown(PlainComposer(None, 2).compose(ROWS, None), 0) == ["S\nq1\n", "+a1", "+<2>"]


def test_shots_stand_between_system_and_prompt_and_out_of_the_loss() -> None:
    pool = Rendered(None, column("p0\n", "p1\n"), column("t0", "t1"))
    shots = Shots(pool, "made/plain@1.0.0", np.array([[0, 1], [1, 0]]))
    segments = PlainComposer(None, 2).compose(ROWS, shots)
    assert shown(segments, 0) == ["S\np0\nt0\n\np1\nt1\n\nq1\n", "+a1", "+<2>"]
    assert shown(segments, 1) == ["S\np1\nt1\n\np0\nt0\n\nq2\n", "+a2", "+<2>"]


def test_text_of_white_space_alone_is_blank() -> None:
    blank = is_blank(column("", " \n\t", "\u3000\u00a0", "x", " x "))
    assert blank.tolist() == [True, True, True, False, False]


CHAT = (
    "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


@pytest.fixture
def chat(byte_tokenizer: Path, tmp_path: Path) -> ChatFormat:
    folder = make_tokenizer(byte_tokenizer, CHAT, tmp_path / "chat", eos="<eos>")
    return ChatFormat(load_tokenizer(str(folder)), {}, datetime.date(2026, 1, 31))


def test_a_chat_example_teaches_the_last_answer_and_its_end(chat: ChatFormat) -> None:
    segments = ChatComposer(chat).compose(ROWS, None)
    start, end = 257, 258
    assert shown(segments, 1) == [
        f"<{start}>", "system\nS", f"<{end}>", f"<{start}>", "user\nq2", f"<{end}>",
        f"<{start}>", "assistant\n", "+a2", f"+<{end}>",
    ]  # fmt: skip
    assert count_prompt_segments(segments) == 8
    assert [segment.content for segment in segments if segment.continues] == [strip(ROWS.target)]


def test_the_shots_of_a_chat_are_turns_that_are_drawn_and_not_taught(chat: ChatFormat) -> None:
    pool = Rendered(None, column(" p0\n", "p1\n"), column("t0 ", "t1"))
    shots = Shots(pool, "made/plain@1.0.0", np.array([[1], [0]]))
    blank = Rendered(column(" ", "\n"), ROWS.prompt, ROWS.target)
    segments = ChatComposer(chat).compose(blank, shots)  # a blank system text is no turn
    texts = [text for text in shown(segments, 0) if "<2" not in text]
    assert texts == ["user\np1", "assistant\nt1", "user\nq1", "assistant\n", "+a1"]
    texts = [text for text in shown(segments, 1) if "<2" not in text]
    assert texts == ["user\np0", "assistant\nt0", "user\nq2", "assistant\n", "+a2"]
    drawn = [s.content for s in segments if isinstance(s.content, DrawnColumn)]
    assert [one.name for one in drawn] == [
        ("made/plain@1.0.0", "user", "user\n", ""),
        ("made/plain@1.0.0", "assistant", "assistant\n", ""),
    ]
    assert [one.values.to_pylist() for one in drawn] == [
        ["user\np0", "user\np1"],
        ["assistant\nt0", "assistant\nt1"],
    ]


def test_a_system_text_of_one_row_is_a_turn_of_all(chat: ChatFormat) -> None:
    some = Rendered(column("", "S"), ROWS.prompt, ROWS.target)
    assert "system\n" in shown(ChatComposer(chat).compose(some, None), 0)


def test_contents_between_the_same_control_tokens_are_one_text(
    byte_tokenizer: Path, tmp_path: Path
) -> None:
    source = CHAT.replace(
        "<|end|>{% endfor", "{% if m.role == 'assistant' %}<|end|>{% endif %}{% endfor"
    )
    source = source.replace("<|start|>", "")
    folder = make_tokenizer(byte_tokenizer, source, tmp_path / "run", eos="<eos>")
    chat = ChatFormat(load_tokenizer(str(folder)), {}, datetime.date(2026, 1, 31))
    pool = Rendered(None, column("p0", "p1"), column("t0", "t1"))
    shots = Shots(pool, "made/plain@1.0.0", np.array([[1], [0]]))
    segments = ChatComposer(chat).compose(ROWS, shots)
    assert shown(segments, 0) == [
        "system\nSuser\np1assistant\nt1", "<257>", "user\nq1assistant\n", "+a1", "+<257>",
    ]  # fmt: skip
