"""Whether a printed output is the one that a page shows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from support.doc_pages.masks import DATE, TODAY, is_progress, mask, mask_today

GAP = "…"


def is_gap(line: str) -> bool:
    """Whether the line stands for any lines."""
    return line.strip() == GAP


def line_pattern(expected: str) -> re.Pattern[str]:
    """The printed lines (masked) that fit a line of the page."""
    masked = mask(expected)
    parts = []
    at = 0
    for date in DATE.finditer(masked):
        parts.append(with_gaps(masked[at : date.start()]))
        parts.append(f"(?:{with_gaps(date[0])}|{TODAY})")
        at = date.end()
    return re.compile("".join(parts) + with_gaps(masked[at:]))


def with_gaps(text: str) -> str:
    return ".*".join(map(re.escape, text.split(GAP)))


def fits(expected: str, printed: str) -> bool:
    """Whether the printed line fits the line of the page."""
    return line_pattern(expected).fullmatch(mask(mask_today(printed))) is not None


def same_output(expected: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether the printed lines fit those of the page, where `…` stands for any lines."""
    groups: list[list[str]] = [[]]
    for line in lasting_lines(expected):
        if is_gap(line):
            groups.append([])
        else:
            groups[-1].append(line)
    lines = lasting_lines(printed)
    if len(groups) == 1:
        return len(lines) == len(groups[0]) and all(map(fits, groups[0], lines))
    first, *middle, last = groups
    at, end = len(first), len(lines) - len(last)
    if at > end or not all(map(fits, first, lines)) or not all(map(fits, last, lines[end:])):
        return False
    for group in middle:
        starts = (n for n in range(at, end - len(group) + 1) if all(map(fits, group, lines[n:])))
        start = next(starts, None)
        if start is None:
            return False
        at = start + len(group)
    return True


def lasting_lines(lines: Sequence[str]) -> list[str]:
    """The lines that are printed each time, without blanks at their ends and blank last lines."""
    kept = [line.rstrip() for line in lines if not is_progress(line)]
    while kept and not kept[-1]:
        kept.pop()
    return kept


def show_difference(expected: Sequence[str], printed: Sequence[str]) -> str:
    """A diff from the page to the printed output; masked parts are no difference."""
    lines = lasting_lines(printed)
    aligned = [next((line for line in lines if fits(want, line)), want) for want in expected]
    shown = [want if is_gap(want) else line for want, line in zip(expected, aligned, strict=True)]
    diff = difflib.unified_diff(shown, lines, "the page", "printed", lineterm="", n=2)
    return "\n".join(diff)
