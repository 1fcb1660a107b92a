"""Layouts: the segments of an example, shown as the texts and tokens they stand for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sftdata.examples.layout import (
    PlainComposer,
    Segment,
    Shots,
    count_prompt_segments,
    is_blank,
    segment_text,
)
from sftdata.rendering.render import Rendered


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
