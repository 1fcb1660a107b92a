"""Plots: their bars add up, their text is escaped, and the same numbers give the same bytes."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from sftdata.writing.plots import (
    Series,
    as_file,
    histogram,
    line_chart,
    quantile_ranges,
    token_bars,
)


def tooltips(plot: Markup) -> list[str]:
    """The texts that bars show when one points at them."""
    root = ET.fromstring(as_file(plot))
    return [str(title.text) for title in root.iter("{http://www.w3.org/2000/svg}title")]


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=60))
def test_every_row_is_in_one_bar_of_a_histogram(lengths: list[int]) -> None:
    values = np.array(lengths, np.int64)
    counted = 0
    for line in tooltips(histogram("Lengths", [Series("a", values)])):
        share, low, high = (
            line.removeprefix("a: ").replace(" of the rows, ", " ").replace(" to ", " ").split()[:3]
        )
        low, high = (int(number.replace(",", "")) for number in (low, high))
        inside = int(((values >= low) & (values <= high)).sum())
        if low == 1:
            inside = int((values <= high).sum())
        assert share == f"{inside / len(values):.1%}"
        counted += inside
    assert counted == len(values)


def test_two_series_stand_beside_each_other() -> None:
    plot = histogram("L", [Series("old", np.array([10, 11])), Series("new", np.array([500]))])
    assert {line.partition(":")[0] for line in tooltips(plot)} == {"old", "new"}
    assert "median: old 10, new 500" in plot


@pytest.mark.parametrize("values", [[], [0], [1], [7, 7, 7]])
def test_few_or_no_rows_make_a_plot_too(values: list[int]) -> None:
    assert len(tooltips(histogram("L", [Series("a", np.array(values, np.int64))]))) == bool(values)


def test_the_part_in_the_loss_is_as_long_as_its_share() -> None:
    root = ET.fromstring(as_file(token_bars("T", {"train": (1000, 250), "test": (100, 100)})))
    bars = [
        (rect.get("class"), float(str(rect.get("width"))))
        for rect in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    assert bars == [("b", 116.0), ("a", 348.0), ("b", 46.4), ("a", 0.0)]


def test_ranges_tell_their_quantiles() -> None:
    found = {"p50": 10, "p95": 100, "p99": 1000, "max": 10_000}
    lines = tooltips(quantile_ranges("T", {"prompt": found}))
    assert lines == ["prompt: p50 10, p95 100, p99 1,000, max 10,000"] * 3


def test_a_curve_goes_from_its_first_to_its_last_point() -> None:
    plot = line_chart("Loss", "step", {"training": [(0, 3.0), (5, 2.0), (10, 1.0)], "held out": []})
    curves = ET.fromstring(as_file(plot)).iter("{http://www.w3.org/2000/svg}polyline")
    assert [(curve.get("class"), curve.get("points")) for curve in curves] == [
        ("line-a", "60.0,28.0 266.0,109.0 472.0,190.0"),
        ("line-b", ""),
    ]


@pytest.mark.parametrize("points", [[], [(0.0, 2.0)], [(1.0, 2.0), (2.0, 2.0)]])
def test_few_or_equal_points_make_a_chart_too(points: list[tuple[float, float]]) -> None:
    plot = line_chart("Loss", "step", {"training": points})
    assert plot.count("<polyline") == 1
    assert "nan" not in plot


def test_names_are_text_in_the_plot_and_nothing_else() -> None:
    name = "<script>x</script>\x1b\u202e\"'&"
    content = as_file(token_bars(name, {name: (2, 1)}))
    root = ET.fromstring(content)
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
    assert "<script>x</script>\\x1b\\u{202e}\"'&" in [text.text for text in root.iter()]
    assert content == as_file(token_bars(name, {name: (2, 1)}))


def labels(plot: Markup) -> list[str]:
    """The texts that a plot shows, in order."""
    root = ET.fromstring(as_file(plot))
    return [str(text.text) for text in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (1, ["0", "1"]), (7, ["0", "2", "4", "6"]), (30_474, ["0", "10,000", "20,000", "30,000"]),
        (10**9, ["0", "200,000,000", "400,000,000", "600,000,000", "800,000,000", "1,000,000,000"]),
    ],
)  # fmt: skip
def test_the_axis_of_tokens_has_round_numbers_and_its_unit(most: int, ticks: list[str]) -> None:
    shown = labels(token_bars("T", {"train": (most, 1)}))
    assert shown[-len(ticks) - 2 : -2] == ticks
    assert shown[-2:] == ["tokens in the loss,", "tokens outside the loss"]


def test_the_axis_of_lengths_is_in_powers_of_two_and_says_so() -> None:
    found = {"p50": 10, "p95": 100, "p99": 900, "max": 1024}
    shown = labels(quantile_ranges("T", {"prompt": found}))
    assert shown[-7:] == ["1", "4", "16", "64", "256", "1,024", "tokens, on a logarithmic scale"]


def test_a_histogram_tells_the_units_of_both_axes() -> None:
    shown = labels(histogram("L", [Series("a", np.array([10, 11, 500, 500]))]))
    assert shown[-1] == "share of the rows by their tokens, on a logarithmic scale"
    assert {"0%", "10%", "20%", "30%", "40%", "50%", "8", "512"} <= {*shown}
    assert "median: 255" in shown
