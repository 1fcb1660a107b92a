"""Plots as SVG: the same bytes for the same numbers, in light and dark colours, no script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

from sftdata.base.escaping import escape

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_WIDTH = 480
_LEFT, _RIGHT, _TOP = 8, 472, 22
_PLOT_LEFT = 46  # with numbers beside the axis
_BINS_AN_OCTAVE = 3
_TICKS = 5
_QUANTILES = ("p50", "p95", "p99", "max")

# The style of a plot in a file of its own; on a page the page's style applies.
_STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #1c1e21; }
.quiet { fill: #5c6470; } .axis { stroke: #9aa4b1; } .a { fill: #3566b8; } .b { fill: #c2641a; }
polyline { fill: none; stroke-width: 1.5; }
.line-a { stroke: #3566b8; } .line-b { stroke: #c2641a; }
@media (prefers-color-scheme: dark) {
text { fill: #e6e8eb; } .quiet { fill: #9aa4b1; } .a { fill: #7fa8ee; } .b { fill: #f0a267; }
.line-a { stroke: #7fa8ee; } .line-b { stroke: #f0a267; }
}
</style>"""


Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """Named values for a histogram."""

    name: str
    values: npt.NDArray[np.integer]


def histogram(title: str, series: Sequence[Series]) -> Markup:
    """Shares of rows by length, on a logarithmic axis; one or two series beside each other."""
    longest = max((int(s.values.max()) for s in series if len(s.values)), default=1)
    shortest = min((int(s.values.min()) for s in series if len(s.values)), default=1)
    first, last = _octave_bins(shortest, longest)
    shares = [_shares(s.values, first, last) for s in series]
    top = max((max(share) for share in shares), default=0.0) or 1.0
    bottom, step = 150, (_RIGHT - _PLOT_LEFT) / (last - first)
    room = bottom - _TOP - 6  # the height of the highest bar
    parts = _share_axis(top, bottom, room)
    for number, (one, share) in enumerate(zip(series, shares, strict=True)):
        width = step * 0.86 / len(series)
        for place in (place for place, part in enumerate(share) if part):
            height = room * share[place] / top
            low, high = _edge(first + place), _edge(first + place + 1) - 1
            parts.append(
                _bar(
                    _PLOT_LEFT + step * (place + 0.07) + width * number,
                    bottom - height,
                    (width, height),
                    "ab"[number],
                    f"{one.name}: {share[place]:.1%} of the rows, {low:,} to {high:,} tokens",
                )
            )
    parts.append(_axis(bottom, _PLOT_LEFT))
    for octave in range(-(-first // _BINS_AN_OCTAVE), last // _BINS_AN_OCTAVE + 1):
        x = _PLOT_LEFT + step * (octave * _BINS_AN_OCTAVE - first)
        parts += _tick(x, bottom, 2**octave)
    medians = {one.name: _median(one.values) for one in series if len(one.values)}
    for median in medians.values():
        x = _PLOT_LEFT + step * (math.log2(max(median, 1)) * _BINS_AN_OCTAVE - first)
        line = Markup('<line class="median" x1="{:.1f}" x2="{:.1f}" y1="{:g}" y2="{:g}"/>')
        parts.append(line.format(max(x, _PLOT_LEFT), max(x, _PLOT_LEFT), _TOP, bottom))
    shown = ", ".join(
        f"{name if len(series) > 1 else ''} {n:,}".strip() for name, n in medians.items()
    )
    parts.append(_text(_RIGHT, 14, f"median: {shown}", "end", "quiet"))
    scale = "share of the rows by their tokens, on a logarithmic scale"
    parts.append(_text((_PLOT_LEFT + _RIGHT) / 2, bottom + 34, scale, "middle", "quiet"))
    return _svg(title, bottom + 42, parts)


def _share_axis(top: float, bottom: float, room: float) -> list[Markup]:
    """Lines across the plot at round shares of the rows, with their numbers on the left."""
    step = next(n for n in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if top <= n * _TICKS or n == 0.5)
    parts = []
    for number in range(int(top / step + 1e-9) + 1):
        y = bottom - room * number * step / top
        parts += [
            _axis(y, _PLOT_LEFT),
            _text(_PLOT_LEFT - 6, y + 4, f"{number * step:.0%}", "end", "quiet"),
        ]
    return parts


def quantile_ranges(title: str, rows: Mapping[str, Mapping[str, int]]) -> Markup:
    """For each measure a bar from p50 to the longest row, on one logarithmic axis."""
    longest = max((found["max"] for found in rows.values()), default=1)
    scale = (_RIGHT - 96) / math.log2(max(longest, 2))
    parts = []
    for number, (name, found) in enumerate(rows.items()):
        y = _TOP + 16 + 40 * number
        at = {q: 88 + scale * math.log2(max(found[q], 1)) for q in _QUANTILES}
        label = ", ".join(f"{q} {found[q]:,}" for q in _QUANTILES)
        parts.append(_text(_LEFT, y + 4, name, "start"))
        for low, high, height in (("p50", "p95", 12), ("p95", "p99", 6), ("p99", "max", 2)):
            size = (max(at[high] - at[low], 1.0), float(height))
            parts.append(_bar(at[low], y - height / 2, size, "a", f"{name}: {label}"))
        parts.append(_text(_RIGHT, y + 20, label, "end", "quiet"))
    bottom, octaves = _TOP + 40 * len(rows) + 4, math.log2(max(longest, 2))
    parts.append(_axis(bottom, 88))
    step = max(1, round(octaves / _TICKS))
    for octave in range(0, int(octaves) + 1, step):
        parts += _tick(88 + scale * octave, bottom, 2**octave)
    parts.append(
        _text(_WIDTH / 2, bottom + 34, "tokens, on a logarithmic scale", "middle", "quiet")
    )
    return _svg(title, bottom + 42, parts)


def token_bars(title: str, rows: Mapping[str, tuple[int, int]]) -> Markup:
    """For each name a bar of its tokens; the part in the loss has another colour."""
    most = max((tokens for tokens, _ in rows.values()), default=0) or 1
    parts = []
    for number, (name, (tokens, in_loss)) in enumerate(rows.items()):
        y = _TOP + 38 * number
        share = in_loss / tokens if tokens else 0.0
        label = f"{tokens:,} tokens, {share:.1%} in the loss"
        long, short = ((_RIGHT - _LEFT) * count / most for count in (tokens, in_loss))
        parts.append(_text(_LEFT, y + 12, name, "start"))
        parts.append(_text(_RIGHT, y + 12, label, "end", "quiet"))
        parts.append(_bar(_LEFT, y + 17, (short, 10.0), "b", f"{name}: {in_loss:,} in the loss"))
        parts.append(_bar(_LEFT + short, y + 17, (long - short, 10.0), "a", f"{name}: {label}"))
    bottom, step = _TOP + 38 * len(rows) + 4, _round_step(most)
    parts.append(_axis(bottom))
    for count in range(0, most + 1, step):
        parts += _tick(_LEFT + (_RIGHT - _LEFT) * count / most, bottom, count)
    parts.append(_text(_WIDTH / 2 - 6, bottom + 34, "tokens in the loss,", "end", "b"))
    parts.append(_text(_WIDTH / 2, bottom + 34, "tokens outside the loss", "start", "a"))
    return _svg(title, bottom + 42, parts)


def line_chart(title: str, x_label: str, curves: Mapping[str, Points]) -> Markup:
    """One or two curves of finite (x, y) points, on linear axes; x starts at 0."""
    left, bottom, ticks = 60, 190, 4
    points = [point for curve in curves.values() for point in curve]
    last = max((x for x, _ in points), default=1) or 1
    low = min((y for _, y in points), default=0.0)
    high = max((y for _, y in points), default=1.0)
    high = high if high > low else low + 1

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = x / last, (y - low) / (high - low)
        return left + (_RIGHT - left) * across, bottom - (bottom - _TOP - 6) * up

    parts = []
    for tick in range(ticks + 1):
        x, y = place(last * tick / ticks, low + (high - low) * tick / ticks)
        parts.append(_axis(y, left))
        value = f"{low + (high - low) * tick / ticks:.3g}"
        parts.append(_text(left - 6, y + 4, value, "end", "quiet"))
        parts.append(_text(min(x, 460), bottom + 18, f"{last * tick / ticks:g}", "middle", "quiet"))
    for style, x, (name, curve) in zip("ab", (220, 360), curves.items(), strict=False):
        corners = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in curve)
        parts.append(Markup('<polyline class="line-{}" points="{}"/>').format(style, corners))
        parts.append(_text(x, 14, name, "start", style))
    parts.append(_text((left + _RIGHT) / 2, bottom + 36, x_label, "middle", "quiet"))
    return _svg(title, bottom + 44, parts)


def as_file(plot: Markup) -> bytes:
    """The bytes of an SVG file with the plot and its style."""
    head, _, body = str(plot).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg">\n{_STYLE}{body}\n'.encode()


def _round_step(most: int) -> int:
    """1, 2 or 5 times a power of ten: about `_TICKS` of them make `most`."""
    power = int(10 ** max(0, math.floor(math.log10(max(most / _TICKS, 1)))))
    return next(n * power for n in (1, 2, 5, 10) if most <= n * power * _TICKS)


def _tick(x: float, y: float, number: int) -> list[Markup]:
    """A mark on the axis at height `y`, and its number below it, inside the plot."""
    label = f"{number:,}"
    margin = 4 * len(label)  # half its width
    place = min(max(x, margin), _WIDTH - margin)
    mark = Markup('<line class="axis" x1="{:.1f}" x2="{:.1f}" y1="{:g}" y2="{:g}"/>')
    return [mark.format(x, x, y, y + 4), _text(place, y + 17, label, "middle", "quiet")]


def _octave_bins(shortest: int, longest: int) -> tuple[int, int]:
    first = int(math.log2(max(shortest, 1)) * _BINS_AN_OCTAVE)
    return first, int(math.log2(max(longest, 1)) * _BINS_AN_OCTAVE) + 1


def _edge(place: int) -> int:
    """The least length in the bin at `place`."""
    return math.ceil(2 ** (place / _BINS_AN_OCTAVE))


def _shares(values: npt.NDArray[np.integer], first: int, last: int) -> list[float]:
    """The share of the values in each bin from `first` to `last - 1`."""
    edges = [0, *(_edge(place) for place in range(first + 1, last + 1))]
    ends: list[int] = _sorted(values).searchsorted(edges).tolist()
    return [(high - low) / max(len(values), 1) for low, high in pairwise(ends)]


def _median(values: npt.NDArray[np.integer]) -> int:
    low, high = _sorted(values)[[(len(values) - 1) // 2, len(values) // 2]].tolist()
    return int((low + high) / 2)


def _sorted(values: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    values = values.copy()
    values.sort()
    return values


def _bar(x: float, y: float, size: tuple[float, float], style: str, tooltip: str) -> Markup:
    return Markup(
        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
        "<title>{}</title></rect>"
    ).format(style, x, y, *size, escape(tooltip))


def _text(x: float, y: float, text: str, anchor: str, style: str = "") -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        style, x, y, anchor, escape(text)
    )


def _axis(y: float, left: float = _LEFT) -> Markup:
    return Markup('<line class="axis" x1="{}" x2="{}" y1="{:g}" y2="{:g}"/>').format(
        left, _RIGHT, round(y, 1), round(y, 1)
    )


def _svg(title: str, height: float, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">\n{}\n{}\n</svg>'
    ).format(
        _WIDTH, height, escape(title), _text(_LEFT, 14, title, "start"), Markup("\n").join(parts)
    )
