"""Puts printed outputs into a page, in place of those that differ."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from support.doc_pages.comparison import fits, is_gap, lasting_lines
from support.doc_pages.walk import Output

FIGURES = re.compile(r"\d[\d,.]*")


def rewrite(page: str, outputs: Sequence[Output]) -> str:
    """The text of `page` with the printed lines of `outputs`."""
    lines = page.splitlines()
    for output in sorted(outputs, key=lambda output: -output.first):
        new = merge(output.expected, output.printed)
        indented = [f"{output.indent}{line}".rstrip() for line in new]
        lines[output.first - 1 : output.last] = indented
    return "".join(f"{line}\n" for line in lines)


def merge(expected: Sequence[str], printed: Sequence[str]) -> list[str]:
    """The printed lines; lines that fit stay as they are, and so do gaps between lines that stay.

    A line is found again if it differs in figures and blanks only.
    """
    wanted, lines = lasting_lines(expected), lasting_lines(printed)
    matched = match_lines(wanted, lines)
    found = {new: old for old, new in matched.items()}
    dropped: set[int] = set()  # printed lines that a gap stands for
    gaps: set[int] = set()  # printed lines, or the end, before which a gap stands
    for number, line in enumerate(wanted):
        if is_gap(line):
            before = matched.get(number - 1, -1 if number == 0 else None)
            after = matched.get(number + 1, len(lines) if number == len(wanted) - 1 else None)
            if before is not None and after is not None and before < after:
                dropped.update(range(before + 1, after))
                gaps.add(after)
    merged: list[str] = []
    for number, line in enumerate([*lines, None]):
        if number in gaps:
            merged.append("…")
        if line is not None and number not in dropped:
            old = wanted[found[number]] if number in found else None
            merged.append(old if old is not None and fits(old, line) else line)
    return merged


def match_lines(wanted: Sequence[str], lines: Sequence[str]) -> dict[int, int]:
    """Pairs of lines of the page and printed ones that are the same but for figures and blanks."""
    shapes = [shape_of(line) for line in lines]
    kept = [line if is_gap(line) else shape_of(line) for line in wanted]
    for number, line in enumerate(wanted):  # a line with a gap in it, or with a masked part
        if not is_gap(line):
            fitting = (shape for shape, new in zip(shapes, lines, strict=True) if fits(line, new))
            kept[number] = next(fitting, kept[number])
    blocks = difflib.SequenceMatcher(None, kept, shapes, autojunk=False).get_matching_blocks()
    return {old + n: new + n for old, new, size in blocks for n in range(size)}


def shape_of(line: str) -> str:
    return " ".join(FIGURES.sub("0", line).split())
