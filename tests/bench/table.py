"""Result tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """A figure, with its goal where it has one."""

    figure: str
    ours: str
    other: str = ""
    ratio: str = ""
    goal: str = ""
    reached: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """The row's cells, in the order of `HEAD`."""
        reached = {True: "yes", False: "no", None: ""}[self.reached]
        return (self.figure, self.ours, self.other, self.ratio, self.goal, reached)


HEAD = ("figure", "ours", "other", "ratio", "goal", "reached")


def compared(
    figure: str, ours: str, other: str, ratio: float, bound: Literal["≥", "≤"], goal: float
) -> Row:
    """A row whose ratio must be at least, or at most, the goal."""
    reached = ratio >= goal if bound == "≥" else ratio <= goal
    return Row(figure, ours, other, f"{ratio:.3g}", f"{bound} {goal:g}", reached)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with padded columns."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    lines.insert(1, tuple("-" * width for width in widths))
    padded = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines
    ]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in padded)
