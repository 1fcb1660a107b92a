"""Plots as SVG: small, the same bytes for the same numbers, light and dark, no script."""

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
_BINS_AN_OCTAVE = 3
_QUANTILES = ("p50", "p95", "p99", "max")

# Inside a page its own style decides; a file on its own brings this one along.
_STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #1c1e21; }
.quiet { fill: #5c6470; } .axis { stroke: #9aa4b1; } .a { fill: #3566b8; } .b { fill: #c2641a; }
@media (prefers-color-scheme: dark) {
text { fill: #e6e8eb; } .quiet { fill: #9aa4b1; } .a { fill: #7fa8ee; } .b { fill: #f0a267; }
}
</style>"""


@dataclass(frozen=True)
class Series:
    """Values to be counted in a histogram, and what they are of."""

    name: str
    values: npt.NDArray[np.integer]


def histogram(title: str, series: Sequence[Series]) -> Markup:
    """Shares of rows by length, on a logarithmic axis; one or two series beside each other."""
    longest = max((int(s.values.max()) for s in series if len(s.values)), default=1)
    shortest = min((int(s.values.min()) for s in series if len(s.values)), default=1)
    first, last = _octave_bins(shortest, longest)
    shares = [_shares(s.values, first, last) for s in series]
    top = max((max(share) for share in shares), default=0.0) or 1.0
    bottom, step = 150, (_RIGHT - _LEFT) / (last - first)
    parts = []
    for number, (one, share) in enumerate(zip(series, shares, strict=True)):
        width = step * 0.86 / len(series)
        for place in (place for place, part in enumerate(share) if part):
            height = (bottom - _TOP - 6) * share[place] / top
            low, high = _edge(first + place), _edge(first + place + 1) - 1
            parts.append(
                _bar(
                    _LEFT + step * (place + 0.07) + width * number,
                    bottom - height,
                    (width, height),
                    "ab"[number],
                    f"{one.name}: {share[place]:.1%} of the rows, {low:,} to {high:,} tokens",
                )
            )
    parts.append(_axis(bottom))
    for octave in range(-(-first // _BINS_AN_OCTAVE), last // _BINS_AN_OCTAVE + 1):
        x = _LEFT + step * (octave * _BINS_AN_OCTAVE - first)
        parts.append(_text(min(max(x, 16), 460), bottom + 16, f"{2**octave:,}", "middle", "quiet"))
    medians = ", ".join(
        f"{one.name if len(series) > 1 else ''} {_median(one.values):,}".strip()
        for one in series
        if len(one.values)
    )
    parts.append(_text(_RIGHT, 14, f"median: {medians}", "end", "quiet"))
    return _svg(title, bottom + 24, parts)


def quantile_ranges(title: str, rows: Mapping[str, Mapping[str, int]]) -> Markup:
    """A line for each measure from p50 to the longest, on one logarithmic axis."""
    longest = max((found["max"] for found in rows.values()), default=1)
    scale = (_RIGHT - 96) / math.log2(max(longest, 2))
    parts = []
    for number, (name, found) in enumerate(rows.items()):
        y = _TOP + 16 + 40 * number
        at = {q: 88 + scale * math.log2(max(found[q], 1)) for q in _QUANTILES}
        told = ", ".join(f"{q} {found[q]:,}" for q in _QUANTILES)
        parts.append(_text(_LEFT, y + 4, name, "start"))
        for low, high, height in (("p50", "p95", 12), ("p95", "p99", 6), ("p99", "max", 2)):
            size = (max(at[high] - at[low], 1.0), float(height))
            parts.append(_bar(at[low], y - height / 2, size, "a", f"{name}: {told}"))
        parts.append(_text(_RIGHT, y + 20, told, "end", "quiet"))
    return _svg(title, _TOP + 40 * len(rows), parts)


def token_bars(title: str, rows: Mapping[str, tuple[int, int]]) -> Markup:
    """A bar for each name, of its tokens; the part that counts in the loss stands out."""
    most = max((tokens for tokens, _ in rows.values()), default=0) or 1
    parts = []
    for number, (name, (tokens, in_loss)) in enumerate(rows.items()):
        y = _TOP + 38 * number
        share = in_loss / tokens if tokens else 0.0
        told = f"{tokens:,} tokens, {share:.1%} in the loss"
        long, short = ((_RIGHT - _LEFT) * count / most for count in (tokens, in_loss))
        parts.append(_text(_LEFT, y + 12, name, "start"))
        parts.append(_text(_RIGHT, y + 12, told, "end", "quiet"))
        parts.append(_bar(_LEFT, y + 17, (short, 10.0), "b", f"{name}: {in_loss:,} in the loss"))
        parts.append(_bar(_LEFT + short, y + 17, (long - short, 10.0), "a", f"{name}: {told}"))
    return _svg(title, _TOP + 38 * len(rows), parts)


def as_file(plot: Markup) -> bytes:
    """The plot as a file of its own, with its style."""
    head, _, body = str(plot).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg">\n{_STYLE}{body}\n'.encode()


def _octave_bins(shortest: int, longest: int) -> tuple[int, int]:
    first = int(math.log2(max(shortest, 1)) * _BINS_AN_OCTAVE)
    return first, int(math.log2(max(longest, 1)) * _BINS_AN_OCTAVE) + 1


def _edge(place: int) -> int:
    """The least length in the bin at `place`."""
    return math.ceil(2 ** (place / _BINS_AN_OCTAVE))


def _shares(values: npt.NDArray[np.integer], first: int, last: int) -> list[float]:
    """What part of the values is in each bin from `first` to `last - 1`."""
    edges = [0, *(_edge(place) for place in range(first + 1, last + 1))]
    ends: list[int] = _in_order(values).searchsorted(edges).tolist()
    return [(high - low) / max(len(values), 1) for low, high in pairwise(ends)]


def _median(values: npt.NDArray[np.integer]) -> int:
    low, high = _in_order(values)[[(len(values) - 1) // 2, len(values) // 2]].tolist()
    return int((low + high) / 2)


def _in_order(values: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    values = values.copy()
    values.sort()
    return values


def _bar(x: float, y: float, size: tuple[float, float], style: str, told: str) -> Markup:
    return Markup(
        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
        "<title>{}</title></rect>"
    ).format(style, x, y, *size, escape(told))


def _text(x: float, y: float, text: str, anchor: str, style: str = "") -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        style, x, y, anchor, escape(text)
    )


def _axis(y: float) -> Markup:
    return Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
        _LEFT, _RIGHT, y, y
    )


def _svg(title: str, height: float, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">\n{}\n{}\n</svg>'
    ).format(
        _WIDTH, height, escape(title), _text(_LEFT, 14, title, "start"), Markup("\n").join(parts)
    )
