"""The loss over the steps as a small SVG, for a browser or a README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sftdata.base.files import write_atomically

FILE = "loss.svg"
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 640, 320, 56, 24, 16, 40
_COLORS = ("#1f77b4", "#d62728")
Points = Sequence[tuple[float, float]]


def write_plot(out: Path, curves: Mapping[str, Points]) -> None:
    """Writes the curves, each a list of (step, loss), to `loss.svg` in `out`."""
    write_atomically(out / FILE, render_plot(curves).encode())


def render_plot(curves: Mapping[str, Points]) -> str:
    """The SVG's text. Losses that are no finite numbers must not be among the points."""
    points = [point for curve in curves.values() for point in curve]
    last = max((step for step, _ in points), default=1) or 1
    low = min((loss for _, loss in points), default=0.0)
    high = max((loss for _, loss in points), default=1.0)
    high = high if high > low else low + 1
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
    ]
    for i in range(5):
        loss = low + (high - low) * i / 4
        y = _y(loss, low, high)
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{loss:.3g}</text>'
        )
        step = last * i / 4
        parts.append(
            f'<text x="{_x(step, last):.1f}" y="{_HEIGHT - _BOTTOM + 18}" '
            f'text-anchor="middle">{step:g}</text>'
        )
    for i, (name, curve) in enumerate(curves.items()):
        color = _COLORS[i % len(_COLORS)]
        line = " ".join(f"{_x(s, last):.1f},{_y(v, low, high):.1f}" for s, v in curve)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        x = _LEFT + 8 + 160 * i
        parts.append(f'<text x="{x}" y="{_TOP - 8}" fill="{color}">{name}</text>')
    parts.append(f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 6}" text-anchor="middle">step</text></svg>')
    return "\n".join(parts) + "\n"


def _x(step: float, last: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / last


def _y(loss: float, low: float, high: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - loss) / (high - low)
