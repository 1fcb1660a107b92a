"""What the three views of an example say, piece by piece."""

from __future__ import annotations

import numpy as np

from sftdata.inspecting.rows.inspector import InspectedRow
from sftdata.inspecting.rows.terminal import to_rich
from sftdata.inspecting.rows.tokens import Token
from sftdata.inspecting.rows.turns import find_turns
from sftdata.inspecting.rows.views import Span, first_words, heading, view_spans
from sftdata.loading.dataset import Example


def token(
    place: int, data: bytes, span: tuple[int, int], *, loss: bool = False, control: bool = False
) -> Token:
    return Token(place + 10, data.decode(), data, *span, loss, control)


def chat() -> InspectedRow:
    """A conversation: what the model says is in the loss, twice."""
    #          <u>Hi<a>Yo<e><u>a b<a>c<e>
    tokens = (
        token(0, b"<u>", (0, 3), control=True),
        token(1, b"Hi", (3, 5)),
        token(2, b"<a>", (5, 8), control=True),
        token(3, b"Yo", (8, 10), loss=True),
        token(4, b"<e>", (10, 13), loss=True, control=True),
        token(5, b"<u>", (13, 16), control=True),
        token(6, b"a b", (16, 19)),
        token(7, b"<a>", (19, 22), control=True),
        token(8, b"c", (22, 23), loss=True),
        token(9, b"<e>", (23, 23), loss=True, control=True),
    )
    mask = np.array([t.in_loss for t in tokens])
    example = Example("r1", "t/x@1.0.0", np.arange(10, 20, dtype=np.int32), mask, 3)
    return InspectedRow("train", "chat", example, tokens, "<u>Hi<a>", "Yo<e><u>a b<a>c", None)


def test_the_text_view_marks_control_tokens_and_every_part_in_the_loss() -> None:
    assert view_spans("text", chat()) == [
        Span("<u>", "control"),
        Span("Hi", "prompt"),
        Span("<a>", "control"),
        Span("Yo", "target"),
        Span("<e>", "control-target"),
        Span("<u>", "control"),
        Span("a b", "prompt"),
        Span("<a>", "control"),
        Span("c", "target"),
        Span("<e>", "control-target"),
    ]


def test_a_row_is_listed_by_its_first_taught_words_without_control_tokens() -> None:
    assert first_words(chat()) == "Yo"


def lines_of(number: int) -> InspectedRow:
    """A prompt of so many short lines, a token each, and a target."""
    tokens = [
        Token(place, f"{place % 10}\n", b"0\n", 2 * place, 2 * place + 2, False, False)
        for place in range(number)
    ]
    prompt = "".join(t.piece for t in tokens)
    tokens.append(Token(99, "yes", b"yes", 2 * number, 2 * number + 3, True, False))
    ids, mask = np.arange(number + 1, dtype=np.int32), np.array([t.in_loss for t in tokens])
    example = Example("r1", "t/x@1.0.0", ids, mask, number)
    turns = tuple(find_turns(tokens, prompt + "yes", None))
    return InspectedRow("train", "task", example, tuple(tokens), prompt, "yes", None, turns)


def test_a_long_prompt_is_folded_where_that_saves_lines() -> None:
    shown = ["".join(s.text for s in view_spans("turns", lines_of(n))) for n in (10, 30)]
    assert "…" not in shown[0]
    assert "\n… 22 tokens …\n" in shown[1]


def test_the_token_view_has_a_line_for_each_token() -> None:
    lines = "".join(span.text for span in view_spans("tokens", chat())).splitlines()
    assert lines[0].split() == ["place", "id", "label", "characters", "bytes"]
    assert lines[4].split() == ["3", "13", "13", "8-10", "Yo"]
    assert lines[7].split() == ["6", "16", "-100", "16-19", "a␣b"]
    assert len(lines) == 11


def test_the_label_view_tells_the_runs_in_and_outside_the_loss() -> None:
    lines = "".join(span.text for span in view_spans("labels", chat())).splitlines()
    assert lines == [
        "0-2, 3 tokens not in the loss (-100)",
        "<u> Hi <a> ",
        "3-4, 2 tokens in the loss",
        "Yo <e> ",
        "5-7, 3 tokens not in the loss (-100)",
        "<u> a␣b <a> ",
        "8-9, 2 tokens in the loss",
        "c <e> ",
    ]


def test_the_heading_counts_what_is_in_the_loss_and_stays_one_line() -> None:
    shown = chat()
    assert heading(shown) == "r1  train  chat  t/x@1.0.0  10 tokens, target from 3, 4 in the loss"
    hostile = Example("a\nb", "t", shown.example.input_ids, shown.example.label_mask, 3)
    one = InspectedRow("train", "chat", hostile, shown.tokens, shown.prompt, shown.target, None)
    assert heading(one).startswith("a\\nb  train")


def test_rich_text_reads_no_markup_and_escapes_what_it_holds() -> None:
    text = to_rich([Span("[bold]x[/bold]\x1b[31m\n", "prompt"), Span("y", "target")])
    assert text.plain == "[bold]x[/bold]\\x1b[31m\ny"
    assert [str(span.style) for span in text.spans] == ["dim", "bold green"]
