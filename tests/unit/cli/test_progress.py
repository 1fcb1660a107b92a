"""Progress without a terminal: a line every ten seconds and no more."""

from __future__ import annotations

import time

import pytest

from sftdata.cli.progress import show_progress


def test_a_line_is_printed_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = iter([5.0, 11.0, 12.0, 22.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    with show_progress(started=0.0) as show:
        for rows in (500, 2200, 2300, 4400):
            show(rows, None)
    assert capsys.readouterr() == ("", "2,200 rows, 200 a second\n4,400 rows, 200 a second\n")


def test_where_the_bytes_are_known_the_line_has_the_share_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = iter([40.0, 6000.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    with show_progress(started=0.0) as show:
        show(1000, 0.25)
        show(1200, 0.5)
    assert capsys.readouterr().err == (
        "25% of about 4,000 rows, 25 a second, 2:00 left\n"
        "50% of about 2,400 rows, 0 a second, 1:40:00 left\n"
    )
